package demo;

import facade.v1.DescribeRequest;
import facade.v1.DescribeResponse;
import facade.v1.Error;
import facade.v1.Execution;
import facade.v1.FacadeGrpc;
import facade.v1.FacadeGrpc.FacadeBlockingStub;
import facade.v1.Invocation;
import facade.v1.MethodDescription;
import facade.v1.Result;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Calls demo.Greeter at HOST:PORT. */
public final class Consumer {
    private final FacadeBlockingStub stub;

    private Consumer(FacadeBlockingStub stub) {
        this.stub = stub;
    }

    /** A call that came back without a value. */
    private static final class CallException extends RuntimeException {
        private final Status.Code status;
        // Of an exception of the method.
        private final String type;
        // Whether the method was not begun, so that the call may be sent again.
        private final boolean notStarted;

        CallException(Error error) {
            super(error.getMessage());
            status = Status.fromCodeValue(error.getStatus()).getCode();
            type = error.getType();
            notStarted = error.getExecution() == Execution.EXECUTION_NOT_STARTED;
        }

        CallException(Status.Code status) {
            super(status.name());
            this.status = status;
            type = "";
            notStarted = false;
        }
    }

    /** Arguments are a list (by position) or a map (by name). */
    private static Invocation.Builder invocation(
            String method, Object arguments, int milliseconds) {
        return Invocation.newBuilder()
                .setService("demo.Greeter")
                .setMethod(method)
                .setTimeLeftUs(milliseconds * 1000L)
                .setValue(Values.of(arguments));
    }

    private static Invocation.Builder invocation(String method, Object arguments) {
        return invocation(method, arguments, 30_000);
    }

    /** One Invoke. It is given up after so many milliseconds. */
    private Result send(Invocation.Builder invocation, int milliseconds) {
        try {
            return stub.withDeadlineAfter(milliseconds, TimeUnit.MILLISECONDS)
                    .invoke(invocation.build());
        } catch (StatusRuntimeException error) {
            throw new CallException(error.getStatus().getCode());
        }
    }

    private static Object read(Result result) {
        if (result.hasError()) {
            throw new CallException(result.getError());
        }
        if (result.getExpired()) {
            throw new CallException(Status.Code.DEADLINE_EXCEEDED);
        }
        return Values.plain(result.getValue());
    }

    private Object call(String method, Object arguments) {
        return read(send(invocation(method, arguments), 30_000));
    }

    private static CallException failure(Runnable call) {
        try {
            call.run();
        } catch (CallException error) {
            return error;
        }
        throw new IllegalStateException("the call should have failed");
    }

    private void calls() {
        System.out.println("by position: " + call("hello", List.of("Ann")));
        System.out.println("by name: " + call("add", Map.of("b", 3, "a", 2)));
        System.out.println("with a default: " + call("add", List.of(2)));

        Invocation.Builder laden = invocation("baggage", List.of()).putAttachments("shop", "north");
        Result answer = send(laden, 30_000);
        Object received = ((Map<?, ?>) read(answer)).get("shop");
        String sent = answer.getAttachmentsOrDefault("seen-by", "");
        System.out.println("attachments: " + received + " there, " + sent + " back");

        CallException raised = failure(() -> call("fail", List.of("no such shop")));
        System.out.println("error of the method: " + raised.type + " " + raised.getMessage());
        CallException refused = failure(() -> call("dance", List.of()));
        System.out.println("no such method: " + refused.status + " " + refused.notStarted);
    }

    private void timeouts() {
        CallException late = failure(() -> send(invocation("sleep", List.of(2), 200), 200));
        System.out.println("timeout: " + late.status);
        // The provider lets a method end. It answers then, and says that the time was up.
        Result answer = send(invocation("sleep", List.of(1.5), 1000), 30_000);
        System.out.println("expired at the provider: " + answer.getExpired());
    }

    private void describe() {
        DescribeResponse described = stub.withDeadlineAfter(30, TimeUnit.SECONDS)
                .describe(DescribeRequest.newBuilder().setService("demo.Greeter").build());
        for (MethodDescription method : described.getServices(0).getMethodsList()) {
            String parameters = method.getParametersList().stream()
                    .map(parameter -> parameter.getName() + ": " + parameter.getType())
                    .collect(Collectors.joining(", "));
            String signature = method.getName() + "(" + parameters + ") -> " + method.getReturns();
            System.out.println("described: " + signature);
        }
    }

    public static void main(String[] arguments) {
        ManagedChannel channel =
                Grpc.newChannelBuilder(arguments[0], InsecureChannelCredentials.create()).build();
        try {
            Consumer consumer = new Consumer(FacadeGrpc.newBlockingStub(channel));
            consumer.calls();
            consumer.timeouts();
            consumer.describe();
        } finally {
            channel.shutdownNow();
        }
    }
}
