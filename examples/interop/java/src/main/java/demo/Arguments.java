package demo;

import facade.v1.Invocation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The arguments of a call, by position, from an array or from an object. */
final class Arguments {
    private Arguments() {}

    static List<?> read(Invocation invocation, Greeter.Method method) throws Refusal {
        List<Greeter.Parameter> parameters = method.parameters();
        Object given = decode(invocation);
        List<Object> arguments = new ArrayList<>();
        int used = 0;
        for (Greeter.Parameter parameter : parameters) {
            Object argument = null;
            if (given instanceof List<?> list && used < list.size()) {
                argument = list.get(used++);
            } else if (given instanceof Map<?, ?> map && map.containsKey(parameter.name())) {
                argument = map.get(parameter.name());
                used++;
            } else {
                argument = parameter.preset();
            }
            if (!parameter.type().isInstance(argument)) {
                throw misfit(invocation, parameters);
            }
            arguments.add(argument);
        }
        if (used != (given instanceof Map<?, ?> map ? map.size() : ((List<?>) given).size())) {
            throw misfit(invocation, parameters);
        }
        return arguments;
    }

    private static Object decode(Invocation invocation) throws Refusal {
        Object given = switch (invocation.getArgumentsCase()) {
            case MSGPACK -> unpack(invocation);
            case VALUE -> Values.plain(invocation.getValue());
            case ARGUMENTS_NOT_SET -> List.of();
            default -> throw Refusal.misfit(
                    invocation.getMethod() + " takes msgpack or value, not "
                            + invocation.getArgumentsCase().name().toLowerCase());
        };
        if (given instanceof List || given instanceof Map) {
            return given;
        }
        throw Refusal.misfit("the arguments are neither an array nor a map");
    }

    private static Object unpack(Invocation invocation) throws Refusal {
        try {
            return Msgpack.decode(invocation.getMsgpack().toByteArray());
        } catch (IOException | RuntimeException error) {
            throw Refusal.misfit("the arguments are no msgpack: " + error.getMessage());
        }
    }

    private static Refusal misfit(Invocation invocation, List<Greeter.Parameter> parameters) {
        String signature = parameters.stream()
                .map(parameter -> parameter.name() + ": " + parameter.type().getSimpleName())
                .collect(Collectors.joining(", "));
        return Refusal.misfit(invocation.getMethod() + " takes (" + signature + ")");
    }
}
