package demo;

import com.google.protobuf.ListValue;
import com.google.protobuf.NullValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** google.protobuf.Value and what Java has for it: null, Boolean, Number, String, List, Map. */
final class Values {
    private Values() {}

    static Value of(Object plain) {
        Value.Builder value = Value.newBuilder();
        if (plain == null) {
            value.setNullValue(NullValue.NULL_VALUE);
        } else if (plain instanceof Boolean truth) {
            value.setBoolValue(truth);
        } else if (plain instanceof Number number) {
            value.setNumberValue(number.doubleValue());
        } else if (plain instanceof List<?> items) {
            ListValue.Builder list = value.getListValueBuilder();
            items.forEach(item -> list.addValues(of(item)));
        } else if (plain instanceof Map<?, ?> fields) {
            Struct.Builder object = value.getStructValueBuilder();
            fields.forEach((name, field) -> object.putFields((String) name, of(field)));
        } else {
            value.setStringValue((String) plain);
        }
        return value.build();
    }

    static Object plain(Value value) {
        return switch (value.getKindCase()) {
            case BOOL_VALUE -> value.getBoolValue();
            case NUMBER_VALUE -> number(value.getNumberValue());
            case STRING_VALUE -> value.getStringValue();
            case LIST_VALUE -> {
                List<Object> list = new ArrayList<>();
                value.getListValue().getValuesList().forEach(item -> list.add(plain(item)));
                yield list;
            }
            case STRUCT_VALUE -> {
                Map<String, Object> map = new LinkedHashMap<>();
                value.getStructValue()
                        .getFieldsMap()
                        .forEach((name, field) -> map.put(name, plain(field)));
                yield map;
            }
            default -> null;
        };
    }

    /** Value has doubles only. */
    private static Number number(double number) {
        if (number == (long) number) {
            return (long) number;
        }
        return number;
    }
}
