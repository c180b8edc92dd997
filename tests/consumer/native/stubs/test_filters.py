"""Generated stubs on AsyncClient: filters, metadata and timeouts."""

import grpc
import grpc.aio
import pytest

import facade
from facade import AsyncClient, Filter, RpcContext
from tests.consumer.native.stubs.greetings import drain, hellos
from tests.greeter.greeter_pb2 import Hello
from tests.greeter.greeter_pb2_grpc import GreeterStub


class Seen(Filter):
    """Keeps what it sees, and makes streams of it upper case."""

    def __init__(self):
        self.invocations = []
        self.errors = []

    async def invoke(self, invoker, invocation):
        self.invocations.append(invocation)
        method = invocation.method
        if method.streamed:
            invocation.arguments = (self._shout(invocation.arguments[0], "name"),)
        result = await invoker.invoke(invocation)
        if method.yields:
            result.value = self._shout(result.value, "text")
        return result

    async def _shout(self, items, field):
        try:
            async for item in items:
                yield type(item)(**{field: getattr(item, field) + "!"})
        except BaseException as error:
            self.errors.append(type(error))
            raise


async def test_filters_see_each_call(client):
    """A filter sees service, method, and the request; streams it may wrap, on either side."""
    seen = Seen()
    channel = client.channel(filters=[seen])
    assert repr(channel.invoker).startswith("consumer_context -> seen -> StubInvoker(")
    stub = GreeterStub(channel)
    await stub.SayHello(Hello(name="Ann"))
    (invocation,) = seen.invocations
    assert (invocation.service, invocation.name) == ("tests.greeter.Greeter", "SayHello")
    assert invocation.arguments == (Hello(name="Ann"),)
    assert not invocation.method.streaming
    assert (await stub.SayHelloToAll(hellos("Ann", "Bob"))).text == "Ann!, Bob!"
    assert [a.text async for a in stub.Chat(hellos("Ann"))] == ["Ann!!"]
    assert invocation.service_key == "tests.greeter.Greeter"


async def test_settings_of_a_channel(client):
    """Settings switch filters on, as for refer; unknown ones are refused."""
    assert "active_limit" in repr(client.channel(actives=3).invoker)
    with pytest.raises(ValueError, match="no filter has a setting 'active'"):
        client.channel(active=3)


async def test_a_filter_that_answers(client, servicer):
    """An answer of a filter needs no provider, and has a status and metadata all the same."""

    class Answers(Filter):
        async def invoke(self, invoker, invocation):
            return facade.Result("cached", attachments={"from": "cache"})

    call = GreeterStub(client.channel(filters=[Answers()])).SayHello(Hello())
    assert await call == "cached"
    assert await call.code() is grpc.StatusCode.OK
    assert dict(tuple(await call.trailing_metadata())) == {"from": "cache"}
    assert len(await call.initial_metadata()) == 0
    assert servicer.metadata == {}


async def test_metadata_are_attachments(stub, servicer):
    """What is given and what is in the context travels; what came back is in the context."""
    RpcContext.client_attachments()["user"] = "Zoë"
    RpcContext.client_attachments()["key"] = b"\0\xff"
    await stub.SayHello(Hello(), metadata=(("trace", "a"), ("trace", "b"), ("id-bin", b"\1")))
    assert servicer.metadata["trace"] == ["a", "b"]
    assert servicer.metadata["id-bin"] == [b"\1"]
    assert servicer.metadata["user-bin"] == ["Zoë".encode()]
    assert servicer.metadata["key-bin"] == [b"\0\xff"]
    assert RpcContext.response_attachments() == {"place": "here", "mark-bin": b"\0\1"}
    [answer async for answer in stub.SayHellos(Hello(count=1))]
    assert RpcContext.response_attachments() == {"first": "1", "last": "2"}
    await stub.SayHello(Hello())
    assert "trace" not in servicer.metadata


async def test_metadata_that_steer(stub, servicer):
    """What is no attachment, as it steers a call or is a tracer's, travels as it was given."""
    steers = (("tri-service-group", "north"), ("tri-service-version", "2"))
    await stub.SayHello(Hello(), metadata=(*steers, ("grpc-span-bin", b"\1")))
    assert servicer.metadata["tri-service-group"] == ["north"]
    assert servicer.metadata["tri-service-version"] == ["2"]
    assert servicer.metadata["grpc-span-bin"] == [b"\1"]


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        (("a b", "1"), "can't be named 'a b'"),
        ((":path", "/x"), "can't be named ':path'"),
        (("a", "Zoë"), "more than printable ASCII"),
        (("a", "1\n"), "more than printable ASCII"),
        (("a", 1), "'a' is a int"),
        (("a-bin", "1"), "'a-bin' is a str"),
    ],
)
async def test_metadata_that_can_not_travel(stub, pair, text):
    """They are told by name, in an error of ours that is grpcio's, and nothing is sent."""
    for call in (
        stub.SayHello(Hello(), metadata=(pair,)),
        stub.SayHelloToAll([], metadata=(pair,)),
    ):
        with pytest.raises(facade.InvalidArgument, match=text) as caught:
            await call
        assert isinstance(caught.value, grpc.RpcError)
        assert caught.value.sent is facade.Sent.NOT_SENT


async def test_timeouts(client, stub, servicer):
    """A unary call has the client's time; streams have none unless it is said."""
    await stub.SayHello(Hello())
    assert 10 < servicer.remaining < 21  # gRPC rounds up
    await stub.SayHello(Hello(), timeout=40)
    assert 30 < servicer.remaining < 41
    [_ async for _ in stub.SayHellos(Hello())]
    assert servicer.remaining is None or servicer.remaining > 1e6
    [_ async for _ in stub.SayHellos(Hello(), timeout=40)]
    assert 30 < servicer.remaining < 41
    RpcContext.client_attachments()["timeout"] = "30000"
    [_ async for _ in stub.SayHellos(Hello())]
    assert 20 < servicer.remaining < 31


async def test_outside_of_the_countdown(target, servicer):
    """Where the client takes no part in the countdown, only it knows how long it waits."""
    async with AsyncClient(target, countdown=False, timeout=0.05) as client:
        stub = GreeterStub(client.channel())
        await client.channel().channel_ready()
        with pytest.raises(facade.DeadlineExceeded):
            await stub.SayHello(Hello(name="slow"))
        assert servicer.remaining is None or servicer.remaining > 1e6
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await drain(stub.SayHellos(Hello(name="endless"), timeout=0.05))
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_an_early_break(client, servicer):
    """Leaving a loop early, and letting go of the call, cancels it; filters' wraps learn it."""
    seen = Seen()
    stub = GreeterStub(client.channel(filters=[seen]))
    async for _ in stub.SayHellos(Hello(name="endless", count=1)):
        break
    await servicer.ended.wait()
    assert seen.errors == [GeneratorExit]
