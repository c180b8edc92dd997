"""A stub's call inside of a provider's method is a hop like any other."""

import pytest

import facade
from facade import AsyncClient, RpcContext
from tests.greeter.greeter_pb2 import Hello
from tests.greeter.greeter_pb2_grpc import GreeterStub


@facade.service("demo.Front")
class Front:
    async def greet(self, name: str) -> str: ...
    def greet_all(self, name: str) -> str: ...


async def test_a_hop(target, servicer):
    """The call takes over the attachments and the time that is left; what comes back goes on."""

    class Impl(Front):
        async def greet(self, name):
            return (await stub.SayHello(Hello(name=name))).text

        def greet_all(self, name):  # on a thread
            return blocking_stub.SayHelloToAll(iter([Hello(name=name)])).text

    blocking = facade.Client(target, timeout=20)
    blocking_stub = GreeterStub(blocking.channel())
    server = facade.Server("127.0.0.1:0")
    server.export(Front, Impl())
    async with AsyncClient(target, timeout=60) as inner, server:
        stub = GreeterStub(inner.channel())
        async with AsyncClient(f"127.0.0.1:{server.port}", timeout=20) as client:
            front = client.refer(Front)
            ann = front.greet.options(timeout=5, attachments={"trace": "t1"})
            assert await ann("Ann") == "Hello Ann"
            assert servicer.metadata["trace"] == ["t1"]
            assert servicer.remaining < 6
            assert RpcContext.response_attachments()["place"] == "here"
            bob = front.greet_all.options(timeout=5, attachments={"trace": "t2"})
            assert await bob("Bob") == "Bob"
            assert servicer.metadata["trace"] == ["t2"]
            assert servicer.remaining < 6
            # Where it comes with too little time, that is what the caller learns.
            while not servicer.started.is_set():  # on a busy machine the first may not get there
                with pytest.raises(facade.DeadlineExceeded):
                    await front.greet.options(timeout=0.2)("slow")
            await servicer.ended.wait()
    blocking.close()
