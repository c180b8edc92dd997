package demo;

import com.google.protobuf.ByteString;
import facade.v1.Code;
import facade.v1.Error;
import facade.v1.Execution;
import facade.v1.FacadeGrpc;
import facade.v1.Invocation;
import facade.v1.Result;
import io.grpc.Context;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Provides demo.Greeter by the unary method Invoke, at a port of this machine. It prints the address
 * at which it listens, and serves until it is told to stop.
 */
public final class Provider extends FacadeGrpc.FacadeImplBase {
    // Exchange and Describe are not there: consumers are told that they are UNIMPLEMENTED.

    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();

    @Override
    public void invoke(Invocation invocation, StreamObserver<Result> caller) {
        if (invocation.getOneway()) {
            // Nothing comes back of it, and nobody waits: gRPC's own context ends with the answer.
            Context alone = Context.current().fork();
            caller.onNext(Result.getDefaultInstance());
            caller.onCompleted();
            alone.run(() -> answerInTime(invocation));
            return;
        }
        caller.onNext(answerInTime(invocation));
        caller.onCompleted();
    }

    /** The shorter one of gRPC's deadline and time_left_us holds. */
    private Result answerInTime(Invocation invocation) {
        long left = invocation.getTimeLeftUs();
        if (left == 0) {
            return answer(invocation);
        }
        try (Context.CancellableContext context =
                Context.current().withDeadlineAfter(left, TimeUnit.MICROSECONDS, clock)) {
            Context before = context.attach();
            try {
                return answer(invocation);
            } finally {
                context.detach(before);
            }
        }
    }

    private static Result answer(Invocation invocation) {
        Greeter.Baggage baggage = new Greeter.Baggage(invocation.getAttachmentsMap());
        Result.Builder result = Result.newBuilder();
        try {
            Greeter.Method method = find(invocation);
            Object value = method.body().call(Arguments.read(invocation, method), baggage);
            if (Context.current().isCancelled()) {
                result.setError(tooLate());
            } else if (invocation.hasMsgpack()) {
                result.setMsgpack(ByteString.copyFrom(Msgpack.encode(value)));
            } else {
                result.setValue(Values.of(value));
            }
        } catch (Refusal refusal) {
            result.setError(refusal.error());
        } catch (Exception error) {
            result.setError(raised(error));
        }
        return result.putAllAttachments(baggage.sent()).build();
    }

    private static Greeter.Method find(Invocation invocation) throws Refusal {
        Greeter.Method method = Greeter.METHODS.get(invocation.getMethod());
        boolean known = invocation.getService().equals("demo.Greeter")
                && invocation.getGroup().isEmpty()
                && invocation.getVersion().isEmpty();
        if (!known || method == null) {
            throw Refusal.unknown(invocation.getService() + "." + invocation.getMethod());
        }
        return method;
    }

    private static Error tooLate() {
        return Error.newBuilder()
                .setCode(Code.CODE_TIMEOUT)
                .setStatus(Status.Code.DEADLINE_EXCEEDED.value())
                .setMessage("the time was up")
                .setExecution(Execution.EXECUTION_MAYBE)
                .build();
    }

    private static Error raised(Exception error) {
        String message = String.valueOf(error.getMessage());
        Error.Builder wire = Error.newBuilder()
                .setCode(Code.CODE_BIZ)
                .setStatus(Status.Code.UNKNOWN.value())
                .setType(error.getClass().getSimpleName())
                .setMessage(message)
                .setExecution(Execution.EXECUTION_MAYBE)
                .setRaised(true);
        try {
            wire.setArguments(ByteString.copyFrom(Msgpack.encode(List.of(message))));
        } catch (IOException impossible) {
            throw new IllegalStateException(impossible);
        }
        return wire.build();
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        int port = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 0;
        InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        Server server = NettyServerBuilder.forAddress(address)
                .addService(new Provider())
                .build()
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        System.out.println("listening at 127.0.0.1:" + server.getPort());
        server.awaitTermination();
    }
}
