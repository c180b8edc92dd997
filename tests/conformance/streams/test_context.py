"""Streams of values: attachments, calls within a stream, and filters."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

import facade
from facade import RpcContext
from facade.core.stream import Watched, at_end, is_stream
from facade.exchange.threads import AHEAD
from tests.conformance.streams.numbers import (
    Counter,
    Empty,
    Numbers,
    on_loop,
    read,
    streamed,
)

# What surrounds it


@facade.service("streams.Surroundings")
class Surroundings:
    def notes(self) -> AsyncIterator[str]: ...
    def notes_plain(self) -> Iterator[str]: ...
    def inner(self) -> AsyncIterator[str]: ...
    def asks(self) -> AsyncIterator[str]: ...
    async def left(self) -> bool: ...


class Surrounded(Surroundings):
    remote = None

    async def notes(self):
        yield str(RpcContext.server_attachments()["who"])
        await asyncio.sleep(0)
        yield RpcContext.service().method
        RpcContext.response_attachments()["sum"] = "2"

    def notes_plain(self):
        for _ in range(AHEAD + 3):  # more than one thread's turn
            yield str(RpcContext.server_attachments()["who"])
        RpcContext.response_attachments()["sum"] = RpcContext.service().method

    async def inner(self):
        who = RpcContext.server_attachments().get("who", "nobody")
        RpcContext.response_attachments()["deep"] = "yes"
        countdown = RpcContext.countdown()
        yield f"{who} {countdown is not None}"

    async def asks(self):
        async for note in self.remote.inner():
            yield note
        yield str(await self.remote.left())

    async def left(self):
        return RpcContext.countdown() is not None


@streamed
async def test_attachments_there_and_back(wire):
    """Those that the generator sets while it runs are there when its stream has ended."""
    remote = await wire.refer(Surroundings, Surrounded())

    def use(method):
        values = list(method.options(attachments={"who": "Ann"})())
        return values, dict(RpcContext.response_attachments())

    async def use_later(method):
        values = [value async for value in method.options(attachments={"who": "Ann"})()]
        return values, dict(RpcContext.response_attachments())

    run = (lambda method: wire.do(use, method)) if wire.blocking else use_later
    assert await run(remote.notes) == (["Ann", "notes"], {"sum": "2"})
    values, attachments = await run(remote.notes_plain)
    assert values == ["Ann"] * (AHEAD + 3)
    assert attachments == {"sum": "notes_plain"}


@on_loop
async def test_calls_that_a_generator_makes(wire):
    """They inherit the time left and the attachments, also after its first value; what comes
    back with them goes on to the caller."""
    surrounded = Surrounded()
    server = await wire.provide((Surroundings, surrounded))
    surrounded.remote = wire.hop(server).refer(Surroundings)
    asks = wire.connect(server).refer(Surroundings).asks
    called = asks.options(timeout=20, attachments={"who": "Ann"})
    assert [note async for note in called()] == ["Ann True", "True"]
    assert RpcContext.response_attachments() == {"deep": "yes"}
    assert [note async for note in asks()] == ["nobody False", "True"]


# Filters


class Tenfold(facade.Filter):
    """Wraps the stream of the result, and says when it has ended."""

    def __init__(self):
        self.outcomes = []

    async def invoke(self, invoker, invocation):
        if invocation.name == "total":
            (numbers,) = invocation.arguments
            if is_stream(numbers):
                invocation.arguments = (Watched(numbers, item=lambda n: n * 10),)
        result = await invoker.invoke(invocation)
        if is_stream(result.value):
            result.value = Watched(result.value, item=lambda n: n * 10)
        at_end(result, self.outcomes.append)
        return result


@streamed
async def test_filters_at_both_ends(wire):
    """Each may put another stream in the place of the one, and learns of its end."""
    here, there = Tenfold(), Tenfold()
    server = await wire.provide((Numbers, Counter()), filters=["default", there])
    client = wire.connect(server, filters=["default", here])
    numbers = client.refer(Numbers)
    assert await read(wire, numbers.count, 3) == [0, 100, 200]
    assert await wire.call(numbers.total, [1, 2]) == 30  # a list is no stream yet
    with pytest.raises(Empty):
        await read(wire, numbers.broken, 1)
    for filter in (here, there):
        assert [outcome.exception is None for outcome in filter.outcomes] == [True, True, False]


@streamed
async def test_client_that_closes(wire):
    """Its streams end with an error, and so do the generators of its provider."""
    counter = Counter()
    server = await wire.provide((Numbers, counter))
    client = wire.connect(server)
    method = client.refer(Numbers).endless
    if wire.blocking:
        stream = await wire.do(method)
        assert await wire.do(next, stream) == 0
        await asyncio.to_thread(client.close, 0.01)
    else:
        stream = await method()
        assert await anext(stream) == 0
        await client.close(0.01)
    with pytest.raises(facade.Unavailable):
        await read(wire, lambda: stream)
    assert await asyncio.to_thread(counter.closed.wait, 20)
