package demo;

import io.grpc.Context;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** demo.Greeter: its methods by name. */
final class Greeter {
    /** What accompanies a call: the attachments that came, and those that go back. */
    record Baggage(Map<String, String> received, Map<String, String> sent) {
        Baggage(Map<String, String> received) {
            this(received, new HashMap<>());
        }
    }

    /** Its preset is taken where the caller gives none, unless that is null. */
    record Parameter(String name, Class<?> type, Object preset) {
        Parameter(String name, Class<?> type) {
            this(name, type, null);
        }
    }

    interface Body {
        Object call(List<?> arguments, Baggage baggage) throws Exception;
    }

    record Method(List<Parameter> parameters, Body body) {}

    /** The name under which Python knows it. */
    static final class ValueError extends Exception {
        ValueError(String message) {
            super(message);
        }
    }

    static final Map<String, Method> METHODS = Map.of(
            "hello",
            new Method(
                    List.of(new Parameter("name", String.class)),
                    (given, baggage) -> "Hello " + given.get(0)),
            "add",
            new Method(
                    List.of(new Parameter("a", Long.class), new Parameter("b", Long.class, 1L)),
                    (given, baggage) -> (Long) given.get(0) + (Long) given.get(1)),
            "fail",
            new Method(
                    List.of(new Parameter("text", String.class)),
                    (given, baggage) -> {
                        throw new ValueError((String) given.get(0));
                    }),
            "sleep",
            new Method(
                    List.of(new Parameter("seconds", Number.class)),
                    (given, baggage) -> sleep((Number) given.get(0))),
            "baggage",
            new Method(
                    List.of(),
                    (given, baggage) -> {
                        baggage.sent().put("seen-by", "java");
                        return baggage.received();
                    }));

    private Greeter() {}

    /** It ends early where nobody waits for it any more. */
    private static Number sleep(Number seconds) throws InterruptedException {
        CountDownLatch over = new CountDownLatch(1);
        Context.CancellationListener listener = context -> over.countDown();
        Context.current().addListener(listener, Runnable::run);
        try {
            over.await((long) (seconds.doubleValue() * 1000), TimeUnit.MILLISECONDS);
        } finally {
            Context.current().removeListener(listener);
        }
        return seconds;
    }
}
