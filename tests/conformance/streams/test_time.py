"""Streams of values: limits of time, and the countdown."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

import facade
from tests.conformance.streams.numbers import (
    on_loop,
    read,
    settled,
    streamed,
)

# Time for a first value, mostly: see ``expire``.
LIMIT = 0.4


@facade.service("streams.Timed", timeout=0.05)
class Timed:
    def slow(self) -> AsyncIterator[int]: ...

    @facade.method(timeout=LIMIT)
    def short(self) -> AsyncIterator[int]: ...

    def waits(self, numbers: AsyncIterator[int]) -> AsyncIterator[int]: ...


class TimedImpl(Timed):
    def __init__(self):
        self.ended = asyncio.Event()

    async def slow(self):
        yield 1
        await asyncio.sleep(0.1)
        yield 2

    async def short(self):
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            self.ended.set()

    async def waits(self, numbers):
        try:
            async for number in numbers:
                yield number
        finally:
            self.ended.set()


async def expire(call, got):
    """Make a call that ends in DeadlineExceeded; again where a busy machine was too late for its
    first value."""
    while not got:
        with pytest.raises(facade.DeadlineExceeded):
            await call()


@streamed
async def test_no_limit_by_default(wire):
    """A stream may last: neither the client's timeout nor that of the interface ends it."""
    timed = await wire.refer(Timed, TimedImpl(), timeout=0.05)
    assert await read(wire, timed.slow) == [1, 2]


@streamed
async def test_limit_of_the_method_and_of_the_call(wire):
    """It holds for the whole stream, and ends it at both ends; what came before is read."""
    for choose in (lambda timed: timed.short, lambda timed: timed.short.options(timeout=LIMIT)):
        impl = TimedImpl()
        server = await wire.provide((Timed, impl))
        client = wire.connect(server)
        await wire.call(client.ready, 20)
        got = []
        method = choose(client.refer(Timed))
        await expire(partial(read, wire, method, into=got), got)
        assert got == [1]
        await impl.ended.wait()
        await settled(client)


@on_loop
async def test_limit_while_an_argument_is_sent(wire):
    """It ends the caller's generator, too."""
    impl = TimedImpl()
    server = await wire.provide((Timed, impl))
    client = wire.connect(server)
    await client.ready(20)
    timed = client.refer(Timed)
    got = []

    async def call():
        async for number in timed.waits.options(timeout=LIMIT)(numbers()):
            got.append(number)

    closed = asyncio.Event()

    async def numbers():
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    await expire(call, got)
    await closed.wait()
    await impl.ended.wait()


@facade.service("streams.Outer")
class Outer:
    @facade.method(timeout=LIMIT)
    async def outer(self) -> str: ...


@on_loop
async def test_countdown_that_runs_caps_a_stream(wire):
    """A stream within a call that has a limit has what is left of that."""

    class OuterImpl(Outer):
        async def outer(self):
            try:
                async for number in remote.waits(generate_for_ever()):
                    got.append(number)
            except facade.DeadlineExceeded:
                ended.set()
                raise

    async def generate_for_ever():
        yield 1
        await asyncio.Event().wait()

    impl, ended = TimedImpl(), asyncio.Event()
    server = await wire.provide((Timed, impl), (Outer, OuterImpl()))
    hop, client = wire.hop(server), wire.connect(server)
    remote = hop.refer(Timed)
    await hop.ready(20)
    await wire.call(client.ready, 20)
    got = []
    await expire(client.refer(Outer).outer, got)
    await ended.wait()
    await impl.ended.wait()
