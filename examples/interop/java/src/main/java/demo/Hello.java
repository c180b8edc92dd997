package demo;

import facade.v1.FacadeGrpc;
import facade.v1.Invocation;
import facade.v1.Result;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** One call to HOST:PORT. */
public final class Hello {
    public static void main(String[] arguments) {
        ManagedChannel channel =
                Grpc.newChannelBuilder(arguments[0], InsecureChannelCredentials.create()).build();
        try {
            Invocation call = Invocation.newBuilder()
                    .setService("demo.Greeter")
                    .setMethod("hello")
                    .setValue(Values.of(List.of("Ann")))
                    .build();
            Result result = FacadeGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(30, TimeUnit.SECONDS)
                    .invoke(call);
            if (result.hasError()) {
                System.err.println(result.getError().getMessage());
            } else {
                System.out.println(Values.plain(result.getValue()));
            }
        } finally {
            channel.shutdownNow();
        }
    }
}
