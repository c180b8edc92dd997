package demo;

import java.io.IOException;
import java.net.ServerSocket;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.dubbo.common.constants.CommonConstants;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.TimeoutCountDown;

/**
 * A Dubbo provider: version 1.0.0 of the pet store, and the same in the group "north". It takes a
 * port (0: any) and a registry, such as zookeeper://127.0.0.1:2181, or none of them. It prints the
 * address at which it listens, and serves until it is told to stop.
 */
public final class DubboProvider {
    static final class Shop extends DubboPetStoreTriple.PetStoreImplBase {
        private final String group;

        Shop(String group) {
            this.group = group;
        }

        @Override
        public AdoptReply adopt(AdoptRequest request) {
            if (request.getName().equals("Nobody")) {
                throw new IllegalArgumentException("nobody is called Nobody");
            }
            return AdoptReply.newBuilder().setName(request.getName()).setShop(group).build();
        }

        @Override
        public BaggageReply baggage(BaggageRequest request) {
            RpcContext.getServerContext().setAttachment("seen-by", "dubbo");
            Map<String, String> received = new TreeMap<>();
            RpcContext.getServerAttachment().getObjectAttachments().forEach((name, value) -> {
                if (value instanceof String text) {
                    received.put(name, text);
                }
            });
            return BaggageReply.newBuilder()
                    .putAllAttachments(received)
                    .setTimeLeftMs(timeLeft())
                    .build();
        }

        private static long timeLeft() {
            Object countdown = RpcContext.getServerAttachment()
                    .getObjectAttachment(CommonConstants.TIME_COUNTDOWN_KEY);
            return countdown == null
                    ? 0
                    : ((TimeoutCountDown) countdown).timeRemaining(TimeUnit.MILLISECONDS);
        }

        @Override
        public NapReply nap(NapRequest request) {
            try {
                Thread.sleep((long) (request.getSeconds() * 1000));
            } catch (InterruptedException stop) {
                Thread.currentThread().interrupt();
            }
            return NapReply.newBuilder().setSeconds(request.getSeconds()).build();
        }
    }

    public static void main(String[] arguments) throws Exception {
        int port = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 0;
        if (port == 0) {
            port = freePort();
        }
        String registry = arguments.length > 1 ? arguments[1] : RegistryConfig.NO_AVAILABLE;
        ApplicationConfig application = new ApplicationConfig("dubbo-petstore");
        application.setQosEnable(false);
        DubboBootstrap.getInstance()
                .application(application)
                .registry(new RegistryConfig(registry))
                .protocol(new ProtocolConfig(CommonConstants.TRIPLE, port))
                .service(shop(""))
                .service(shop("north"))
                .start();
        System.out.println("listening at 127.0.0.1:" + port);
        new CountDownLatch(1).await();
    }

    /** Dubbo itself looks for one from 50051 on, which another server may be about to take. */
    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static ServiceConfig<PetStore> shop(String group) {
        ServiceConfig<PetStore> service = new ServiceConfig<>();
        service.setInterface(PetStore.class);
        service.setRef(new Shop(group));
        service.setVersion("1.0.0");
        if (!group.isEmpty()) {
            service.setGroup(group);
        }
        return service;
    }
}
