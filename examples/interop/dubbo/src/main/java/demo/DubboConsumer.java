package demo;

import java.util.HashMap;
import java.util.Map;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.StatusRpcException;

/**
 * A Dubbo consumer. It calls the pet store at HOST:PORT and tells of it; or it finds the pet store
 * at a registry, such as zookeeper://127.0.0.1:2181, and makes one call.
 */
public final class DubboConsumer {
    public static void main(String[] arguments) {
        ApplicationConfig application = new ApplicationConfig("dubbo-petlover");
        application.setQosEnable(false);
        DubboBootstrap.getInstance().application(application).start();
        try {
            if (arguments[0].contains("://")) {
                find(arguments[0]);
            } else {
                call("tri://" + reachable(arguments[0]));
            }
        } finally {
            DubboBootstrap.getInstance().stop();
        }
    }

    /** Dubbo takes 127.0.0.1 for "this machine", and would call its public address instead. */
    private static String reachable(String address) {
        return address.replaceFirst("^(127\\.0\\.0\\.1|localhost):", "[::ffff:127.0.0.1]:");
    }

    private static void find(String registry) {
        ReferenceConfig<PetStore> reference = reference("1.0.0", 30_000);
        reference.setRegistry(new RegistryConfig(registry));
        System.out.println("adopt: " + text(reference.get().adopt(named("Rex"))));
    }

    private static void call(String url) {
        PetStore plain = refer(url, null, "1.0.0", 30_000);
        System.out.println("adopt: " + text(plain.adopt(named("Rex"))));

        RpcContext.getClientAttachment().setAttachment("shop", "north");
        RpcContext.getClientAttachment().setObjectAttachment("raw", new byte[] {1, 2});
        BaggageReply baggage = plain.baggage(BaggageRequest.getDefaultInstance());
        System.out.println("time left: " + baggage.getTimeLeftMs() + " ms");
        baggage.getAttachmentsMap().forEach(
                (name, value) -> System.out.println("attachment: " + name + "=" + value));
        System.out.println("seen by: "
                + RpcContext.getClientResponseContext().getAttachment("seen-by"));

        PetStore north = refer(url, "north", "1.0.0", 30_000);
        System.out.println("group: " + text(north.adopt(named("Ann"))));

        fails("raised", () -> plain.adopt(named("Nobody")));
        PetStore hasty = refer(url, null, "1.0.0", 400);
        fails("timeout", () -> hasty.nap(NapRequest.newBuilder().setSeconds(3).build()));
        PetStore newer = refer(url, null, "2.0.0", 30_000);
        fails("version", () -> newer.adopt(named("Rex")));
    }

    private static PetStore refer(String url, String group, String version, int milliseconds) {
        ReferenceConfig<PetStore> reference = reference(version, milliseconds);
        reference.setUrl(url);
        reference.setGroup(group);
        return reference.get();
    }

    private static ReferenceConfig<PetStore> reference(String version, int milliseconds) {
        ReferenceConfig<PetStore> reference = new ReferenceConfig<>();
        reference.setInterface(PetStore.class);
        reference.setVersion(version);
        reference.setTimeout(milliseconds);
        reference.setRetries(0);
        // Dubbo gives a provider 3 s to take its connection, unless told otherwise.
        reference.setParameters(new HashMap<>(Map.of("connect.timeout", "30000")));
        return reference;
    }

    private static void fails(String what, Runnable call) {
        try {
            call.run();
            System.out.println(what + ": no error");
        } catch (RpcException error) {
            System.out.println(what + ": " + told(error));
        }
    }

    /** What the provider answered is deep inside of what Dubbo makes of it. */
    private static String told(RpcException error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof StatusRpcException answer) {
                return "code " + answer.getCode() + ", " + answer.getMessage();
            }
        }
        return "code " + error.getCode() + "";
    }

    private static AdoptRequest named(String name) {
        return AdoptRequest.newBuilder().setName(name).build();
    }

    private static String text(AdoptReply reply) {
        return reply.getName() + " of \"" + reply.getShop() + "\"";
    }
}
