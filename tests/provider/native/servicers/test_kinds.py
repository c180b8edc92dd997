"""Generated servicers, called by grpcio's own stubs: the four kinds of methods, and filters."""

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.wrappers_pb2 import StringValue

import facade
from facade.exchange.richstatus import decode_details
from tests.greeter.greeter_pb2 import Greeting, Hello
from tests.provider.native.conftest import (
    AioGreeter,
    failure,
    hellos,
    stub_of,
    texts,
)
from tests.provider.native.servicers.recorder import Recorder, styles

# The four kinds of methods


@styles
async def test_all_kinds_of_methods(style):
    """Clients that know nothing of us reach servicers that know nothing of us."""
    async with stub_of(style()) as stub:
        assert (await stub.SayHello(Hello(name="Ann"))).text == "Hello Ann"
        assert await texts(stub.SayHellos(Hello(name="Ann", count=3))) == [
            "Hello Ann 0",
            "Hello Ann 1",
            "Hello Ann 2",
        ]
        answer = await stub.SayHelloToAll(iter(hellos("Ann", "Bob")))
        assert answer.text == "Hello Ann, Bob"
        assert await texts(stub.Chat(iter(hellos("Ann", "Bob")))) == ["Hello Ann", "Hello Bob"]


@styles
async def test_both_directions_at_once(style):
    """An answer comes before the next request is sent."""
    async with stub_of(style()) as stub:
        call = stub.Chat()
        for name in ("Ann", "Bob"):
            await call.write(Hello(name=name))
            assert (await call.read()).text == f"Hello {name}"
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF


@styles
async def test_empty_streams(style):
    """No request, no answer, and no error."""
    async with stub_of(style()) as stub:
        assert await texts(stub.SayHellos(Hello(count=0))) == []
        assert (await stub.SayHelloToAll(iter(()))).text == "Hello "
        assert await texts(stub.Chat(iter(()))) == []


@styles
async def test_a_method_that_is_not_written(style):
    """The generated base class says UNIMPLEMENTED, and that is what arrives."""
    async with stub_of(style()) as stub:
        error = await failure(stub.Forget(Hello()))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert error.details() == "Method not implemented!"


# Filters


@styles
async def test_filters_see_the_invocation(style):
    """Service, method, the request itself, and where it came from."""
    seen = Recorder()
    async with stub_of(style(), filters=["default", seen]) as stub:
        await stub.SayHello(
            Hello(name="Ann"),
            metadata=(("tenant", "acme"), ("key-bin", b"\0"), ("tri-consumer-appname", "shop")),
            timeout=30,
        )
    (invocation,) = seen.invocations
    assert str(invocation) == "tests.greeter.Greeter.SayHello"
    assert invocation.arguments == (Hello(name="Ann"),)
    assert invocation.attachments == {"tenant": "acme", "key-bin": b"\0"}
    assert invocation.remote_application == "shop"
    assert invocation.remote_address.startswith("ipv4:127.0.0.1")
    assert invocation.local_address
    assert 0 < invocation.countdown.remaining < 31
    assert not invocation.method.streaming
    assert invocation.method.parameters[0].type is Hello
    assert seen.results[0].value == Greeting(text="Hello Ann")


@styles
async def test_filters_wrap_streams(style):
    """A streamed argument and a streamed value are iterators that a filter may replace."""

    class Loud(facade.Filter):
        async def invoke(self, invoker, invocation):
            assert invocation.method.streamed
            assert invocation.method.yields
            (requests,) = invocation.arguments
            invocation.arguments = (self._shout(requests),)
            result = await invoker.invoke(invocation)
            result.value = self._answer(result.value)
            return result

        async def _shout(self, requests):
            async for request in requests:
                yield Hello(name=request.name.upper())

        async def _answer(self, answers):
            async for answer in answers:
                yield Greeting(text=f"{answer.text}!")

    async with stub_of(style(), filters=[Loud()]) as stub:
        assert await texts(stub.Chat(iter(hellos("Ann", "Bob")))) == ["Hello ANN!", "Hello BOB!"]


@styles
async def test_a_filter_refuses(style):
    """An RpcError of a filter is a gRPC status with its message and its details."""
    detail = Any()
    detail.Pack(StringValue(value="more"))

    class Refuse(facade.Filter):
        async def invoke(self, invoker, invocation):
            raise facade.LimitExceeded("too much: ünd", details=[detail])

    async with stub_of(style(), filters=[Refuse()]) as stub:
        for call in (stub.SayHello(Hello()), stub.SayHellos(Hello()), stub.Chat()):
            error = await failure(call)
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert error.details() == "too much: ünd"
            rich = dict(tuple(error.trailing_metadata()))["grpc-status-details-bin"]
            assert decode_details(rich) == (detail,)


@pytest.mark.parametrize("kind", [KeyError, SystemExit, GeneratorExit])
async def test_a_filter_that_fails_is_not_the_callers_fault(kind, caplog):
    """Any other exception of a filter is INTERNAL; its text stays in the log."""

    class Broken(facade.Filter):
        async def invoke(self, invoker, invocation):
            raise kind("secret")

    async with stub_of(AioGreeter(), filters=[Broken()]) as stub:
        error = await failure(stub.SayHello(Hello()))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in error.details()
    assert "secret" in caplog.text


async def test_a_filter_answers_itself():
    """What a filter gives instead is sent as the method's message; anything else is an error."""

    class Instead(facade.Filter):
        async def invoke(self, invoker, invocation):
            text = invocation.arguments[0].name
            return facade.Result(Greeting(text="cached") if text else "no message")

    async with stub_of(AioGreeter(), filters=[Instead()]) as stub:
        assert (await stub.SayHello(Hello(name="x"))).text == "cached"
        error = await failure(stub.SayHello(Hello()))
        assert error.code() is grpc.StatusCode.INTERNAL
        assert "Failed to serialize response" in error.details()
