"""Streams of values: the ways to call a method that has them."""

from collections.abc import AsyncIterator

import pytest

import facade
from tests.conformance.streams.numbers import Counter, Empty, Numbers, on_loop, read, streamed

# How it is called


@streamed
async def test_future_and_options(wire):
    """Of a stream, a future is of the stream; options hold for it."""
    numbers = await wire.refer(Numbers, Counter())
    if wire.blocking:
        future = await wire.do(numbers.count.future, 3)
        stream = await wire.value(future)
        assert await wire.do(list, stream) == [0, 1, 2]
    else:
        stream = await numbers.count.future(3)
        assert [value async for value in stream] == [0, 1, 2]
    again = numbers.count.options(attachments={"a": "b"})
    assert await read(wire, again, 2) == [0, 1]
    future = await wire.do(numbers.total.future, [1, 2])
    assert await wire.value(future) == 3


@streamed
async def test_oneway_call(wire):
    """Nobody would say how much to send."""
    numbers = await wire.refer(Numbers, Counter())
    with pytest.raises(facade.InvalidArgument, match="a oneway call has nobody to send them for"):
        await wire.call(numbers.total.oneway, [1])


@streamed
async def test_group_and_version(wire):
    """They choose the provider, as for any call."""
    server = await wire.provide()
    server.export(Numbers, Counter(), group="one", version="2")
    client = wire.connect(server)
    assert await read(wire, client.refer(Numbers, group="one", version="2").count, 2) == [0, 1]
    with pytest.raises(facade.Unimplemented, match=r"one/streams\.Numbers:2"):
        await read(wire, client.refer(Numbers).count, 2)


@streamed
async def test_two_clients(wire):
    """Each has its own streams."""
    server = await wire.provide((Numbers, Counter()))
    first, second = (wire.connect(server).refer(Numbers) for _ in range(2))
    assert await read(wire, first.count, 2) == await read(wire, second.count, 2) == [0, 1]


@pytest.mark.parametrize("wire", ["unary"], indirect=True)
async def test_wire_without_streams(wire):
    """The error says what to use, and that nothing was sent. Other methods are called."""
    numbers = await wire.refer(Numbers, Counter())
    for call in (numbers.total([1]), numbers.count(3)):
        with pytest.raises(facade.Unimplemented, match="sends each call alone") as caught:
            await call
        assert caught.value.sent is facade.Sent.NOT_SENT
    assert await numbers.plain(1) == 1


async def test_stream_in_a_call_that_came_alone():
    """A plain unary gRPC call of such a method is told to come over a stream."""
    server = facade.Server("127.0.0.1:0")
    server.export(Numbers, Counter())
    async with server:
        address = f"127.0.0.1:{server.port}"
        async with facade.AsyncClient(address, unary=True, timeout=20) as client:
            with pytest.raises(facade.Unimplemented, match="came alone") as caught:
                await client.generic("streams.Numbers").invoke("count", 3)
        assert caught.value.sent is facade.Sent.NOT_EXECUTED


@on_loop
async def test_call_within_a_call(wire):
    """``$invoke`` can't carry a stream, and says so."""
    server = await wire.provide((Numbers, Counter()))
    generic = wire.connect(server).generic("streams.Numbers")
    with pytest.raises(facade.InvalidArgument, match=r"has streams, which \$invoke can't carry"):
        await generic.invoke("$invoke", "count", None, [3])


# Without an interface


@streamed
async def test_stream_without_an_interface(wire):
    """Plain values, there and back; the description says what is a stream."""
    server = await wire.provide((Numbers, Counter()))
    client = wire.connect(server, timeout=5)
    generic = client.generic("streams.Numbers")
    assert await read(wire, generic.stream, "count", 3) == [0, 1, 2]
    assert await read(wire, generic.stream, "count", n=2) == [0, 1]
    assert await read(wire, generic.stream, "points", 2) == [{"x": 0, "y": 0}, {"x": 1, "y": -1}]
    assert await read(wire, generic.stream, "parts", 2) == [b"\0", b""]
    assert await read(wire, generic.stream, "upper", iter(["a", "b"])) == ["A", "B"]
    with pytest.raises(Empty):
        await read(wire, generic.stream, "broken", 2)
    described = (await wire.call(client.describe)).services[0].methods
    assert described["count"].returns == "AsyncIterator[int]"
    assert described["upper"].parameters[0].type == "AsyncIterator[str]"


@streamed
async def test_interfaces_that_differ(wire):
    """Where one end has a stream and the other has none, the call fails, and no other."""

    @facade.service("streams.Numbers")
    class Otherwise:
        async def count(self, n: int) -> list[int]: ...
        def plain(self, n: int) -> AsyncIterator[int]: ...
        async def total(self, numbers: None) -> int: ...

    server = await wire.provide((Numbers, Counter()))
    client = wire.connect(server)
    otherwise, numbers = client.refer(Otherwise), client.refer(Numbers)
    with pytest.raises(facade.RpcError, match="stream"):
        await wire.call(otherwise.count, 3)
    with pytest.raises(facade.InvalidArgument, match="gives a plain value, and no stream"):
        await read(wire, otherwise.plain, 3)
    with pytest.raises(facade.RpcError, match="stream"):
        await wire.call(otherwise.total, None)
    assert await wire.call(numbers.plain, 1) == 1
