"""Exported methods that have streams, as gRPC methods of their own names."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import grpc
import pytest
from google.protobuf.struct_pb2 import Value

import facade
from facade import RpcContext
from facade.jsonvalue import from_value, to_value
from tests.greeter.greeter_pb2 import Greeting, Hello
from tests.provider.native.conftest import failure, hellos, serving, texts


@facade.service("demo.Streams")
class Streams:
    def count(self, to: int) -> AsyncIterator[int]: ...
    def plain(self, to: int) -> Iterator[int]: ...
    async def total(self, numbers: AsyncIterator[int]) -> int: ...
    def double(self, numbers: AsyncIterator[int]) -> AsyncIterator[list[int]]: ...
    def greet(self, hellos: AsyncIterator[Hello]) -> AsyncIterator[Greeting]: ...
    async def more(self, factor: int, numbers: AsyncIterator[int]) -> int: ...
    def end(self, kind: str) -> AsyncIterator[int]: ...


class StreamsImpl(Streams):
    def __init__(self):
        self.closed = asyncio.Event()

    async def count(self, to):
        try:
            for number in range(to):
                yield number
            RpcContext.response_attachments()["tenant"] = str(
                RpcContext.server_attachments()["tenant"]
            )
            if to > 10:
                raise ValueError("too many")
        finally:
            self.closed.set()

    def plain(self, to):
        yield from range(to)

    async def total(self, numbers):
        return sum([number async for number in numbers])

    async def double(self, numbers):
        async for number in numbers:
            yield [number, number]

    async def greet(self, hellos):
        async for hello in hellos:
            yield Greeting(text=f"Hello {hello.name}")

    async def more(self, factor, numbers):
        return factor

    async def end(self, kind):
        yield 1
        raise {"SystemExit": SystemExit(1), "Untold": Untold(), "Other": Other()}[kind]


class Other(BaseException):
    pass


class Untold(Exception):
    def __str__(self):
        raise RuntimeError("no text")


@pytest.fixture
async def server():
    async with serving() as server:
        server.impl = StreamsImpl()
        server.export(Streams, server.impl)
        yield server


def method(server, name, kind="unary_stream"):
    return getattr(server.channel, kind)(
        f"/demo.Streams/{name}", Value.SerializeToString, Value.FromString
    )


async def values(call):
    return [from_value(value) async for value in call]


TENANT = (("tenant", "acme"),)


async def test_a_streamed_value(server):
    """Each of its values is a message; attachments come after the last."""
    call = method(server, "Count")(to_value({"to": 3}), metadata=TENANT)
    assert await values(call) == [0, 1, 2]
    assert tuple(await call.trailing_metadata()) == TENANT
    assert await values(method(server, "plain")(to_value(3))) == [0, 1, 2]


async def test_a_streamed_argument(server):
    """Each message is one of its values, as it is."""
    total = method(server, "total", "stream_unary")
    assert from_value(await total(map(to_value, (1, 2, 3)))) == 6
    double = method(server, "double", "stream_stream")
    assert await values(double(map(to_value, (1, 2)))) == [[1, 1], [2, 2]]


async def test_streams_of_messages(server):
    """They are the messages themselves."""
    greet = server.channel.stream_stream(
        "/demo.Streams/Greet", Hello.SerializeToString, Greeting.FromString
    )
    assert await texts(greet(iter(hellos("Ann", "Bob")))) == ["Hello Ann", "Hello Bob"]


async def test_a_value_that_does_not_fit(server):
    """The caller learns which one is expected."""
    total = method(server, "total", "stream_unary")
    error = await failure(total(map(to_value, (1, "two"))))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "argument 'numbers': Expected `int`, got `str`" in error.details()


async def test_an_error_in_the_middle(server):
    """What was yielded before arrives; the type of the exception does too."""
    call = method(server, "count")(to_value(11), metadata=TENANT)
    assert [from_value(await call.read()) for _ in range(11)] == list(range(11))
    error = await failure(call.read())
    assert error.code() is grpc.StatusCode.UNKNOWN
    assert error.details() == "too many"
    assert dict(tuple(error.trailing_metadata()))["exception-type"] == "ValueError"


@pytest.mark.parametrize("kind", ["SystemExit", "Other", "Untold"])
async def test_whatever_it_raises_is_its_caller_s_alone(server, kind):
    """No caller can end the process, nor is one left without an answer."""
    call = method(server, "end")(to_value(kind))
    assert from_value(await call.read()) == 1
    error = await failure(call.read())
    assert error.code() is grpc.StatusCode.UNKNOWN
    assert kind in dict(tuple(error.trailing_metadata()))["exception-type"]
    assert await values(method(server, "plain")(to_value(1))) == [0]


async def test_a_reader_who_leaves(server):
    """The generator is closed."""
    call = method(server, "count")(to_value(1_000_000), metadata=TENANT)
    await call.read()
    call.cancel()
    await server.impl.closed.wait()


async def test_what_plain_grpc_has_no_place_for(server):
    """A stream beside other arguments is refused, with what to do instead."""
    more = method(server, "more", "stream_unary")
    error = await failure(more(map(to_value, (1, 2))))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "takes more than the stream 'numbers'" in error.details()
