"""Errors of stubs' calls: ours and grpcio's at once."""
# ruff: noqa: N802 - gRPC's names

import pickle
import socket

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue

import facade
from facade import AsyncClient, Code, Sent, Status
from tests.consumer.native.conftest import Plain
from tests.greeter.greeter_pb2 import Greeting, Hello
from tests.greeter.greeter_pb2_grpc import GreeterStub, add_GreeterServicer_to_server


@pytest.fixture
async def stub(target):
    async with AsyncClient(target, timeout=5, filters=[]) as client:
        yield GreeterStub(client.channel())


async def fails(call):
    with pytest.raises(facade.RpcError) as caught:
        await call
    return caught.value


async def test_a_status_of_the_provider(stub):
    """Whoever knows grpcio's error finds all of it, and so does who knows ours."""
    call = stub.SayHello(Hello(name="refused"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert error.details() == "no such guest: Zoë"
    assert dict(tuple(error.trailing_metadata()))["place"] == "here"
    assert isinstance(error, (facade.RpcError, grpc.RpcError))
    assert (error.status, error.message) == (Status.NOT_FOUND, "no such guest: Zoë")
    assert (error.remote, error.sent) == (True, Sent.MAYBE_EXECUTED)
    assert error.code == Code.UNKNOWN
    assert error.details == ()
    assert str(error) == "no such guest: Zoë"
    again = pickle.loads(pickle.dumps(error))
    assert again.code() is grpc.StatusCode.NOT_FOUND
    assert dict(tuple(again.trailing_metadata()))["place"] == "here"
    assert await call.code() is grpc.StatusCode.NOT_FOUND
    assert await call.details() == "no such guest: Zoë"


async def test_a_status_without_a_text(stub):
    """grpcio's details are empty then, of the call and of its error; our message never is."""
    call = stub.SayHello(Hello(name="silent"))
    error = await fails(call)
    assert (error.details(), await call.details()) == ("", "")
    assert error.message == "ABORTED"


async def test_details_of_a_status(stub):
    """The typed details of google.rpc.Status are those of the error."""
    error = await fails(stub.SayHello(Hello(name="rich")))
    (detail,) = error.details
    value = StringValue()
    assert detail.Unpack(value)
    assert value.value == "why"
    assert error.details() == "no such guest"


async def test_an_exception_of_the_method(stub):
    """A provider that names the class of an exception raises a RemoteError of it."""
    error = await fails(stub.SayHello(Hello(name="broken")))
    assert isinstance(error, facade.RemoteError)
    assert error.type == "shop.Broken"
    assert str(error) == "shop.Broken: it broke"
    assert error.code() is grpc.StatusCode.UNKNOWN


async def test_an_error_in_the_middle(stub):
    """What came before it is given first."""
    call = stub.SayHellos(Hello(name="broken", count=2))
    assert [(await call.read()).text for _ in range(2)] == ["broken 0", "broken 1"]
    with pytest.raises(facade.RpcError, match="lost the rest") as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.DATA_LOSS


async def test_no_such_method(stub):
    """Of a provider that is none of ours nobody knows who said so: gRPC, or code that ran."""
    error = await fails(stub.Forget(Hello()))
    assert isinstance(error, facade.Unimplemented)
    assert error.sent is Sent.MAYBE_EXECUTED
    assert error.code == Code.METHOD_NOT_FOUND
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_time_runs_out(stub):
    """It is a TimeoutError too, by our clock."""
    await stub.SayHello(Hello())  # it is connected
    error = await fails(stub.SayHello(Hello(name="slow"), timeout=0.05))
    assert isinstance(error, TimeoutError)
    assert not error.remote
    assert "timeout: 50 ms" in str(error)
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("timeout", [0, -1])
async def test_no_time_is_left(target, servicer, timeout):
    """As where somebody reckons what he has left: the call fails at once, and is not sent."""
    async with AsyncClient(target, timeout=20) as client:
        stub = GreeterStub(client.channel())
        for call in (
            stub.SayHello(Hello(), timeout=timeout),
            stub.SayHellos(Hello(), timeout=timeout).read(),
            stub.SayHelloToAll([Hello()], timeout=timeout),
        ):
            error = await fails(call)
            assert isinstance(error, facade.DeadlineExceeded)
            assert error.sent is Sent.NOT_SENT
    assert servicer.metadata == {}


async def test_nobody_is_there():
    """A call that never went says so."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        async with AsyncClient(f"127.0.0.1:{reserved.getsockname()[1]}") as client:
            error = await fails(GreeterStub(client.channel()).SayHello(Hello()))
    assert isinstance(error, facade.Unavailable)
    assert error.sent is Sent.NOT_SENT
    assert not error.remote
    assert error.code() is grpc.StatusCode.UNAVAILABLE


async def test_what_can_not_be_sent(target, stub):
    """A request of another class, one that is too large, credentials without TLS."""
    error = await fails(stub.SayHello("Ann"))
    assert isinstance(error, facade.InvalidArgument)
    assert error.sent is Sent.NOT_SENT
    credentials = grpc.access_token_call_credentials("secret")
    error = await fails(stub.SayHello(Hello(), credentials=credentials))
    assert error.sent is Sent.NOT_SENT
    assert "secure channel" in str(error)
    async with AsyncClient(target, max_message_size=10_000, timeout=20) as client:
        error = await fails(GreeterStub(client.channel()).SayHello(Hello(name="a" * 20_000)))
        assert isinstance(error, facade.LimitExceeded)
        assert error.sent is Sent.NOT_SENT
        assert "max_message_size" in str(error)


async def test_what_is_no_answer(target):
    """Bytes that are no such message are an error, and not a value."""

    def read(data):
        raise ValueError("not mine")

    async with AsyncClient(target, timeout=20) as client:
        call = client.channel().unary_unary("/tests.greeter.Greeter/SayHello", None, read)
        error = await fails(call(b""))
    assert error.code == Code.SERIALIZATION
    assert "not mine" in str(error)


async def test_errors_of_filters(target):
    """What a filter raises is grpcio's too; what is no RpcError stays what it is."""

    class Refuses(facade.Filter):
        async def invoke(self, invoker, invocation):
            if invocation.arguments[0].name:
                raise facade.LimitExceeded("enough")
            raise ZeroDivisionError

    async with AsyncClient(target, filters=[Refuses()], timeout=20) as client:
        stub = GreeterStub(client.channel())
        error = await fails(stub.SayHello(Hello(name="Ann")))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        with pytest.raises(ZeroDivisionError):
            await stub.SayHello(Hello())


async def test_attempts(target, servicer):
    """A filter may send a call again: another attempt finds all requests."""
    seen = []

    class Twice(facade.Filter):
        async def invoke(self, invoker, invocation):
            first = await invoker.invoke(invocation.copy())
            seen.append(first.value.text)
            return await invoker.invoke(invocation)

    async with AsyncClient(target, filters=[Twice()], timeout=20) as client:
        call = GreeterStub(client.channel()).SayHello(Hello(name="Ann"))
        assert (await call).text == "Hello Ann"
    assert seen == ["Hello Ann"]


class Passes(Plain):
    """Has a provider of its own, whose errors it passes on."""

    async def SayHello(self, request, context):
        text = "failed to connect to all addresses; last error: UNKNOWN: ipv4:192.0.2.1:1"
        await context.abort(grpc.StatusCode.UNAVAILABLE, text)


async def test_what_a_provider_could_not_reach():
    """That is no reason to take a call for not sent: it was run where it came to."""
    server = grpc.aio.server()
    add_GreeterServicer_to_server(Passes(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with AsyncClient(f"127.0.0.1:{port}", timeout=20) as client:
        error = await fails(GreeterStub(client.channel()).SayHello(Hello()))
    await server.stop(0)
    assert isinstance(error, facade.Unavailable)
    assert error.sent is Sent.MAYBE_EXECUTED
    assert error.remote


class Talks(Plain):
    async def SayHello(self, request, context):
        return Greeting(text="x" * 10_000)


async def test_an_answer_over_the_limit_of_its_provider():
    """It was run: no request is meant by what its provider says of sent messages."""
    server = grpc.aio.server(options=[("grpc.max_send_message_length", 5000)])
    add_GreeterServicer_to_server(Talks(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with AsyncClient(f"127.0.0.1:{port}", timeout=20) as client:
        error = await fails(GreeterStub(client.channel()).SayHello(Hello()))
    await server.stop(0)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.sent is Sent.MAYBE_EXECUTED
