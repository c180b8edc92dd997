"""Generated stubs on AsyncClient: requests that end otherwise than by their last."""
# ruff: noqa: N802 - gRPC's names

import asyncio

import grpc
import grpc.aio
import pytest

import facade
from facade import AsyncClient, Filter
from tests.consumer.native.conftest import Plain
from tests.consumer.native.stubs.greetings import drain, hellos
from tests.greeter.greeter_pb2 import Hello
from tests.greeter.greeter_pb2_grpc import GreeterStub


class Deaf(Plain):
    """Its Chat ends and reads nothing."""

    async def Chat(self, requests, context):
        if ("refused", "yes") in tuple(context.invocation_metadata()):
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")


@pytest.fixture
def servicer(request):
    return getattr(request, "param", Plain)()


async def write_on(call):
    while True:
        await call.write(Hello(name="Ann"))


class Wraps(Filter):
    async def invoke(self, invoker, invocation):
        requests = invocation.arguments[0]
        invocation.arguments = ((request async for request in requests),)
        return await invoker.invoke(invocation)


@pytest.mark.parametrize("servicer", [Deaf], indirect=True)
@pytest.mark.parametrize("filters", [[], [Wraps()]])
async def test_a_write_is_told_of_the_end_before_any_read(client, filters):
    """Who only writes, and reads no answers, learns how the call ended."""
    stub = GreeterStub(client.channel(filters=filters))
    call = stub.Chat(metadata=(("refused", "yes"),))
    with pytest.raises(facade.RpcError, match="not you") as caught:
        await write_on(call)
    assert isinstance(caught.value, grpc.aio.AioRpcError)
    with pytest.raises(facade.RpcError, match="not you"):
        await call.read()
    call = stub.Chat()
    with pytest.raises(asyncio.InvalidStateError):
        await write_on(call)
    assert await call.read() is grpc.aio.EOF


async def test_a_write_of_what_can_not_be_sent(stub):
    """It ends the call, and whoever wrote it learns why, though he has read no answer."""
    call = stub.Chat()
    with pytest.raises(facade.InvalidArgument, match="int can't be sent"):
        await call.write(3)
    assert await call.code() is grpc.StatusCode.CANCELLED


async def test_requests_by_keyword(stub):
    """They have the names that grpcio gives them."""
    assert (await stub.SayHello(request=Hello(name="Ann"))).text == "Hello Ann"
    assert (await stub.SayHelloToAll(request_iterator=hellos("Ann"))).text == "Ann"
    assert [a.text async for a in stub.Chat(request_iterator=hellos("Ann"))] == ["Ann"]


@pytest.mark.parametrize("name", ["SayHelloToAll", "Chat"])
async def test_requests_that_are_cancelled(stub, servicer, name):
    """Where what their iterator waits for is cancelled, the call fails, and does not wait on."""

    async def requests():
        yield Hello(name="Ann")
        given_up = asyncio.get_running_loop().create_future()
        given_up.cancel()
        await given_up

    call = getattr(stub, name)(requests())
    with pytest.raises(facade.RpcError, match="raised CancelledError"):
        await (call if name == "SayHelloToAll" else drain(call))


async def test_requests_are_let_go_of_when_the_client_closes(target, servicer):
    """Their iterator is ended, too, where it is the client that ends the call."""
    closed = asyncio.Event()

    async def requests():
        try:
            yield Hello(name="Ann")
            await asyncio.Event().wait()
        finally:
            closed.set()

    client = AsyncClient(target, timeout=20)
    call = GreeterStub(client.channel()).Chat(requests())
    await servicer.started.wait()
    await client.close(0)
    await closed.wait()
    with pytest.raises(facade.Unavailable):
        await call.read()
