"""Generated servicers: cancelling, and time."""
# ruff: noqa: N802 -- methods have the names of their .proto

import asyncio

import grpc
import pytest

from tests.greeter.greeter_pb2 import Greeting, Hello
from tests.provider.native.conftest import (
    AioGreeter,
    failure,
    stub_of,
)
from tests.provider.native.servicers.recorder import Recorder


class Waits(AioGreeter):
    """Every method waits, and tells how it ends."""

    def __init__(self):
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.released = asyncio.Event()
        self.done = asyncio.Event()

    async def _wait(self, context):
        context.add_done_callback(lambda c: self.done.set())
        self.started.set()
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def SayHello(self, request, context):
        await self._wait(context)
        return Greeting()

    async def SayHellos(self, request, context):
        yield Greeting()
        await self._wait(context)

    async def SayHelloToAll(self, request_iterator, context):
        await self._wait(context)
        return Greeting()

    async def Chat(self, request_iterator, context):
        await context.write(Greeting())
        await self._wait(context)


@pytest.mark.parametrize("name", ["SayHello", "SayHellos", "SayHelloToAll", "Chat"])
async def test_a_caller_who_leaves_takes_the_servicer_with_him(name):
    """Its coroutine is cancelled, whatever kind of method it is."""
    waits = Waits()
    async with stub_of(waits) as stub:
        call = getattr(stub, name)(*([Hello()] if name in ("SayHello", "SayHellos") else []))
        if name in ("SayHellos", "Chat"):
            await call.read()
        await waits.started.wait()
        call.cancel()
        await waits.cancelled.wait()
        await waits.done.wait()


async def test_a_unary_servicer_may_outlive_its_time():
    """As with other unary calls, the caller is told in time, and the method may finish."""
    waits = Waits()
    seen = Recorder()
    async with stub_of(waits, filters=["default", seen]) as stub:
        while not waits.started.is_set():  # a busy machine may not have come to it
            error = await failure(stub.SayHello(Hello(), timeout=0.2))
            assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await waits.done.wait()
        assert not waits.cancelled.is_set()
        waits.released.set()
        await seen.answered.wait()


async def test_a_stream_ends_with_its_time():
    """Nobody reads on."""
    waits = Waits()
    async with stub_of(waits) as stub:
        while not waits.started.is_set():
            error = await failure(stub.SayHellos(Hello(), timeout=0.2))
            assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await waits.cancelled.wait()


@pytest.mark.parametrize("name", ["SayHello", "SayHellos"])
async def test_the_time_of_triple_counts_as_well(name):
    """A caller who says it in Triple's way alone is told by us."""
    waits = Waits()

    async def release():
        await waits.started.wait()
        await asyncio.sleep(0.5)
        waits.released.set()

    async with stub_of(waits) as stub:
        releasing = asyncio.create_task(release())
        while not waits.started.is_set():
            call = getattr(stub, name)(Hello(), metadata=(("tri-service-timeout", "500"),))
            error = await failure(call)
            assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await releasing
        assert "timed out at the provider" in error.details()


async def test_a_servicer_cancels_its_call():
    """The caller is told CANCELLED."""

    class Mine(AioGreeter):
        async def SayHello(self, request, context):
            assert context.cancel()
            await asyncio.Event().wait()

    async with stub_of(Mine()) as stub:
        error = await failure(stub.SayHello(Hello()))
        assert error.code() is grpc.StatusCode.CANCELLED


async def test_what_is_asked_after_the_end_is_harmless():
    """gRPC has freed its own object by then; a servicer that goes on must not touch it."""
    waits = Waits()
    asked = asyncio.Event()

    class Mine(Waits):
        async def SayHello(self, request, context):
            await waits._wait(context)
            assert context.peer()
            assert context.auth_context() == {}
            assert context.peer_identities() is None
            assert not context.is_active()
            with pytest.raises(grpc.aio.UsageError):
                await context.send_initial_metadata((("a", "1"),))
            asked.set()
            return Greeting()

    async with stub_of(Mine()) as stub:
        while not waits.started.is_set():
            await failure(stub.SayHello(Hello(), timeout=0.2))
        await waits.done.wait()
        waits.released.set()
        await asked.wait()
