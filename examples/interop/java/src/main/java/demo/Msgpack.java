package demo;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.msgpack.core.MessageBufferPacker;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessagePacker;
import org.msgpack.core.MessageUnpacker;
import org.msgpack.value.Value;

/** msgpack and what Java has for it: null, Boolean, Number, String, byte[], List, Map. */
final class Msgpack {
    private Msgpack() {}

    static byte[] encode(Object plain) throws IOException {
        try (MessageBufferPacker packer = MessagePack.newDefaultBufferPacker()) {
            pack(packer, plain);
            return packer.toByteArray();
        }
    }

    private static void pack(MessagePacker packer, Object plain) throws IOException {
        if (plain == null) {
            packer.packNil();
        } else if (plain instanceof Boolean truth) {
            packer.packBoolean(truth);
        } else if (plain instanceof Long number) {
            packer.packLong(number);
        } else if (plain instanceof Number number) {
            packer.packDouble(number.doubleValue());
        } else if (plain instanceof byte[] bytes) {
            packer.packBinaryHeader(bytes.length).writePayload(bytes);
        } else if (plain instanceof List<?> items) {
            packer.packArrayHeader(items.size());
            for (Object item : items) {
                pack(packer, item);
            }
        } else if (plain instanceof Map<?, ?> fields) {
            packer.packMapHeader(fields.size());
            for (Map.Entry<?, ?> field : fields.entrySet()) {
                pack(packer, field.getKey());
                pack(packer, field.getValue());
            }
        } else {
            packer.packString((String) plain);
        }
    }

    static Object decode(byte[] bytes) throws IOException {
        try (MessageUnpacker unpacker = MessagePack.newDefaultUnpacker(bytes)) {
            return plain(unpacker.unpackValue());
        }
    }

    private static Object plain(Value value) throws IOException {
        return switch (value.getValueType()) {
            case NIL -> null;
            case BOOLEAN -> value.asBooleanValue().getBoolean();
            case INTEGER -> value.asIntegerValue().asLong();
            case FLOAT -> value.asFloatValue().toDouble();
            case STRING -> value.asStringValue().asString();
            case BINARY -> value.asBinaryValue().asByteArray();
            case ARRAY -> {
                List<Object> list = new ArrayList<>();
                for (Value item : value.asArrayValue()) {
                    list.add(plain(item));
                }
                yield list;
            }
            case MAP -> {
                Map<Object, Object> map = new LinkedHashMap<>();
                for (Map.Entry<Value, Value> field : value.asMapValue().entrySet()) {
                    map.put(plain(field.getKey()), plain(field.getValue()));
                }
                yield map;
            }
            case EXTENSION -> throw new IOException("there are no extensions here");
        };
    }
}
