"""Generated servicers whose methods are plain functions."""
# ruff: noqa: N802 -- methods have the names of their .proto

import asyncio
import gc
import threading
import weakref

import grpc
import pytest

import facade
from facade.provider.native.call import CALL
from tests.greeter.greeter_pb2 import Greeting, Hello
from tests.provider.native.conftest import (
    AioGreeter,
    SyncGreeter,
    WritingGreeter,
    failure,
    stub_of,
    texts,
)
from tests.provider.native.servicers.recorder import styles


async def test_a_thread_that_waits_for_a_request_is_woken():
    """A caller who leaves in the middle of his stream blocks no thread for ever."""
    waiting, woken = threading.Event(), threading.Event()

    class Mine(SyncGreeter):
        def SayHelloToAll(self, request_iterator, context):
            waiting.set()
            try:
                list(request_iterator)
            finally:  # gRPC may also say that the stream has ended
                woken.set()

    async with stub_of(Mine()) as stub:
        call = stub.SayHelloToAll()
        await asyncio.to_thread(waiting.wait)
        call.cancel()
        assert await asyncio.to_thread(woken.wait, 30)


async def test_a_generator_holds_no_thread_between_its_steps():
    """While its reader is slow, the only thread there is serves others."""

    class Mine(SyncGreeter):
        def SayHellos(self, request, context):
            while True:
                yield Greeting(text="x" * 10_000)

    async with stub_of(Mine(), threads=1, queue=1) as stub:
        slow = stub.SayHellos(Hello())
        await slow.read()
        for _ in range(10):
            assert (await stub.SayHello(Hello(name="Ann"))).text == "Hello Ann"
        slow.cancel()


async def test_a_stream_that_has_begun_is_not_refused():
    """Its steps may wait for a thread beyond the bound, which is for what is new."""
    async with stub_of(SyncGreeter(), threads=1, queue=4) as stub:
        calls = [texts(stub.SayHellos(Hello(name="Ann", count=50))) for _ in range(5)]
        for answers in await asyncio.gather(*calls):
            assert len(answers) == 50


async def test_a_generator_is_closed_when_its_caller_leaves():
    """Its finally runs."""
    closed = threading.Event()

    class Mine(SyncGreeter):
        def SayHellos(self, request, context):
            try:
                while True:
                    yield Greeting(text="x" * 10_000)
            finally:
                closed.set()

    async with stub_of(Mine()) as stub:
        call = stub.SayHellos(Hello())
        await call.read()
        call.cancel()
        assert await asyncio.to_thread(closed.wait, 30)


async def test_no_thread_is_free():
    """The next call is refused at once, with the pool's own words."""
    started, released = threading.Event(), threading.Event()

    class Mine(SyncGreeter):
        def SayHello(self, request, context):
            started.set()
            released.wait()
            return Greeting()

    async with stub_of(Mine(), threads=1, queue=0) as stub:
        first = stub.SayHello(Hello())
        await asyncio.to_thread(started.wait)
        error = await failure(stub.SayHello(Hello()))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "thread pool is exhausted" in error.details()
        released.set()
        await first


async def test_sync_callbacks_are_called_at_the_end():
    """A servicer in a thread learns that its caller is gone."""
    started, told = threading.Event(), threading.Event()

    class Mine(SyncGreeter):
        def SayHello(self, request, context):
            assert context.add_callback(told.set)
            started.set()
            told.wait()
            assert not context.add_callback(told.set)
            return Greeting()

    async with stub_of(Mine()) as stub:
        call = stub.SayHello(Hello())
        await asyncio.to_thread(started.wait)
        call.cancel()
        assert await asyncio.to_thread(told.wait, 30)


async def test_misused_reader_and_writer():
    """A method of one request has nothing to read, and one of one answer nothing to write."""

    class Mine(WritingGreeter):
        async def SayHello(self, request, context):
            with pytest.raises(grpc.aio.UsageError):
                await context.read()
            with pytest.raises(grpc.aio.UsageError):
                await context.write(Greeting())
            return Greeting(text="right")

    async with stub_of(Mine()) as stub:
        assert (await stub.SayHello(Hello())).text == "right"


@styles
async def test_a_call_leaves_nothing_for_the_collector(style):
    """gRPC's own part of it is heavy, and is freed with the last reference."""
    calls = []

    class Watch(facade.Filter):
        async def invoke(self, invoker, invocation):
            calls.append(weakref.ref(invocation.attributes[CALL]))
            return await invoker.invoke(invocation)

    gc.disable()
    try:
        async with stub_of(style(), filters=["default", Watch()]) as stub:
            await stub.SayHello(Hello())
            await texts(stub.SayHellos(Hello(count=3)))
        assert [call() for call in calls] == [None, None]
    finally:
        gc.enable()


async def test_a_method_that_gives_an_awaitable():
    """A decorator may hide that it is async: it is awaited all the same."""

    class Mine(AioGreeter):
        def SayHello(self, request, context):
            return super().SayHello(request, context)

        def SayHellos(self, request, context):
            return super().SayHellos(request, context)

    async with stub_of(Mine()) as stub:
        assert (await stub.SayHello(Hello(name="Ann"))).text == "Hello Ann"
        assert len(await texts(stub.SayHellos(Hello(count=3)))) == 3
