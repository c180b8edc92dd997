"""Generated servicers, called by grpcio's own stubs."""
# ruff: noqa: N802 -- methods have the names of their .proto

import asyncio
import gc
import threading
import weakref

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.wrappers_pb2 import StringValue

import facade
from facade import RpcContext
from facade.exchange.richstatus import decode_details, encode_status
from facade.provider.native.call import CALL
from tests.greeter.greeter_pb2 import Greeting, Hello
from tests.provider.native.conftest import (
    STYLES,
    AioGreeter,
    SyncGreeter,
    WritingGreeter,
    failure,
    hellos,
    stub_of,
    texts,
)

styles = pytest.mark.parametrize("style", STYLES)


class Recorder(facade.Filter):
    """Keeps what it sees."""

    def __init__(self):
        self.invocations = []
        self.results = []
        self.answered = asyncio.Event()

    async def invoke(self, invoker, invocation):
        self.invocations.append(invocation)
        result = await invoker.invoke(invocation)
        self.results.append(result)
        self.answered.set()
        return result


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


async def test_a_filter_that_fails_is_not_the_callers_fault(caplog):
    """Any other exception of a filter is INTERNAL; its text stays in the log."""

    class Broken(facade.Filter):
        async def invoke(self, invoker, invocation):
            raise KeyError("secret")

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


# Metadata


@styles
async def test_trailing_metadata_are_response_attachments(style):
    """Those of the servicer are seen and changed by filters; the others arrive as they were."""

    def say(context):
        context.set_trailing_metadata((("a", "1"), ("b", "x"), ("a", "2"), ("c-bin", b"\0")))
        RpcContext.response_attachments()["mine"] = "ünd"

    class Mine(style):
        if style is SyncGreeter:

            def SayHello(self, request, context):
                say(context)
                return Greeting()

            def SayHellos(self, request, context):
                yield Greeting()
                say(context)
        else:

            async def SayHello(self, request, context):
                say(context)
                return Greeting()

            async def SayHellos(self, request, context):
                yield Greeting()
                say(context)

    class Watch(facade.Filter):
        async def invoke(self, invoker, invocation):
            result = await invoker.invoke(invocation)
            if invocation.method.yields:
                result.value = self._watch(result.value, result)
            else:
                self._change(result)
            return result

        async def _watch(self, stream, result):
            async for item in stream:
                yield item
            self._change(result)

        def _change(self, result):
            assert result.attachments["a"] == "1,2"
            result.attachments["b"] = "changed"

    async with stub_of(Mine(), filters=["default", Watch()]) as stub:
        for call in (stub.SayHello(Hello()), stub.SayHellos(Hello())):
            await (call if not hasattr(call, "__aiter__") else texts(call))
            assert sorted(await call.trailing_metadata()) == sorted(
                [
                    ("a", "1"),
                    ("a", "2"),
                    ("b", "changed"),
                    ("c-bin", b"\0"),
                    ("mine-bin", "ünd".encode()),
                ]
            )


@pytest.mark.parametrize("style", [AioGreeter, SyncGreeter])
async def test_initial_metadata(style):
    """They are sent at once, by either style."""

    class Aio(AioGreeter):
        async def SayHello(self, request, context):
            await context.send_initial_metadata((("first", "1"),))
            return Greeting()

    class Sync(SyncGreeter):
        def SayHello(self, request, context):
            context.send_initial_metadata((("first", "1"),))
            return Greeting()

    async with stub_of(Aio() if style is AioGreeter else Sync()) as stub:
        call = stub.SayHello(Hello())
        assert dict(tuple(await call.initial_metadata()))["first"] == "1"
        await call


@pytest.mark.parametrize("style", [AioGreeter, SyncGreeter])
async def test_the_context_tells_of_the_call(style):
    """What grpc's context says, ours says too; and RpcContext is filled beside it."""
    told = {}

    def look(context):
        told.update(
            metadata=dict(context.invocation_metadata()),
            peer=context.peer(),
            identities=context.peer_identities(),
            key=context.peer_identity_key(),
            auth=context.auth_context(),
            left=context.time_remaining(),
            active=context.is_active(),
            cancelled=context.cancelled(),
            code=context.code(),
            details=context.details(),
            attachments=dict(RpcContext.server_attachments()),
            method=RpcContext.service().method,
        )
        context.set_compression(grpc.Compression.Gzip)
        context.disable_next_message_compression()

    class Aio(AioGreeter):
        async def SayHello(self, request, context):
            assert isinstance(context, grpc.aio.ServicerContext)
            look(context)
            return Greeting()

    class Sync(SyncGreeter):
        def SayHello(self, request, context):
            assert isinstance(context, grpc.ServicerContext)
            look(context)
            return Greeting()

    async with stub_of(Aio() if style is AioGreeter else Sync()) as stub:
        await stub.SayHello(Hello(), timeout=30, metadata=(("a", "1"), ("token", "secret")))
    assert told["metadata"]["a"] == "1"
    assert told["metadata"]["token"] == "secret"
    assert told["attachments"] == {"a": "1"}
    assert told["peer"].startswith("ipv4:127.0.0.1")
    assert 0 < told["left"] < 31
    assert told["active"]
    assert not told["cancelled"]
    assert told["code"] is None
    assert told["method"] == "SayHello"
    assert isinstance(told["auth"], dict)


async def test_without_a_deadline_there_is_no_countdown():
    """None is left where the caller set none, but what Triple says, in milliseconds."""
    left = []

    class Mine(AioGreeter):
        async def SayHello(self, request, context):
            left.append(context.time_remaining())
            left.append(RpcContext.countdown())
            return Greeting()

    async with stub_of(Mine()) as stub:
        await stub.SayHello(Hello())
        assert left == [None, None]
        await stub.SayHello(Hello(), metadata=(("tri-service-timeout", "30000"),))
        assert 29 < left[2] <= 30


# Errors


def rich():
    detail = Any()
    detail.Pack(StringValue(value="why"))
    return encode_status(9, "in full", [detail])


class Status:
    code = grpc.StatusCode.FAILED_PRECONDITION
    details = "in full"
    trailing_metadata = (("grpc-status-details-bin", rich()), ("a", "1"), ("a", "2"))


class AioAborts(AioGreeter):
    async def SayHello(self, request, context):
        await context.abort_with_status(Status)

    async def SayHellos(self, request, context):
        yield Greeting()
        await context.abort_with_status(Status)

    async def SayHelloToAll(self, request_iterator, context):
        try:
            await context.abort_with_status(Status)
        except Exception:
            return Greeting()  # which does not undo it

    async def Chat(self, request_iterator, context):
        context.set_code(Status.code)
        context.set_details(Status.details)
        context.set_trailing_metadata(Status.trailing_metadata)
        return
        yield


class SyncAborts(SyncGreeter):
    def SayHello(self, request, context):
        context.abort_with_status(Status)

    def SayHellos(self, request, context):
        yield Greeting()
        context.abort_with_status(Status)

    def SayHelloToAll(self, request_iterator, context):
        try:
            context.abort_with_status(Status)
        except Exception:
            return Greeting()

    def Chat(self, request_iterator, context):
        context.set_code(Status.code)
        context.set_details(Status.details)
        context.set_trailing_metadata(Status.trailing_metadata)
        return iter(())


@pytest.mark.parametrize("aborts", [AioAborts, SyncAborts])
async def test_what_a_servicer_aborts_with_arrives(aborts):
    """Code, details, trailing metadata, rich status: unchanged, from each kind of method."""
    async with stub_of(aborts()) as stub:
        for call in (
            stub.SayHello(Hello()),
            stub.SayHellos(Hello()),
            stub.SayHelloToAll(iter(())),
            stub.Chat(iter(())),
        ):
            error = await failure(call)
            assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
            assert error.details() == "in full"
            assert sorted(error.trailing_metadata()) == sorted(Status.trailing_metadata)


@pytest.mark.parametrize("aborts", [AioAborts, SyncAborts])
async def test_filters_see_what_a_servicer_aborted_with(aborts):
    """As an RpcError in the result, with the details of the rich status."""
    seen = Recorder()
    async with stub_of(aborts(), filters=[seen]) as stub:
        await failure(stub.SayHello(Hello()))
    error = seen.results[0].exception
    assert isinstance(error, facade.RpcError)
    assert error.status == 9
    assert error.message == "in full"
    assert len(error.details) == 1
    assert seen.results[0].attachments["a"] == "1,2"


@styles
async def test_what_a_servicer_raises_is_unknown(style, caplog):
    """As grpcio has it; filters see the exception itself, and the log has its traceback."""

    class Aio(AioGreeter):
        async def SayHello(self, request, context):
            raise ValueError("no such name")

        async def SayHellos(self, request, context):
            yield Greeting()
            raise ValueError("no such name")

    class Sync(SyncGreeter):
        def SayHello(self, request, context):
            raise ValueError("no such name")

        def SayHellos(self, request, context):
            yield Greeting()
            raise ValueError("no such name")

    seen = Recorder()
    servicer = Sync() if style is SyncGreeter else Aio()
    async with stub_of(servicer, filters=["default", seen]) as stub:
        for method in (stub.SayHello, stub.SayHellos):
            caplog.clear()
            error = await failure(method(Hello()))
            assert error.code() is grpc.StatusCode.UNKNOWN
            assert error.details() == "Unexpected <class 'ValueError'>: no such name"
            assert "Traceback" in caplog.text
    assert isinstance(seen.results[0].exception, ValueError)


@styles
async def test_nobody_ends_the_process(style):
    """Not even a servicer that exits."""

    class Aio(AioGreeter):
        async def SayHello(self, request, context):
            raise SystemExit(1)

        async def SayHellos(self, request, context):
            yield Greeting()
            raise SystemExit(1)

    class Sync(SyncGreeter):
        def SayHello(self, request, context):
            raise SystemExit(1)

        def SayHellos(self, request, context):
            yield Greeting()
            raise SystemExit(1)

    async with stub_of(Sync() if style is SyncGreeter else Aio()) as stub:
        for call in (stub.SayHello(Hello()), stub.SayHellos(Hello())):
            assert "SystemExit" in (await failure(call)).details()


async def test_an_rpc_error_of_a_call_further_on():
    """A servicer that calls others hands on what they failed with."""

    class Mine(AioGreeter):
        async def SayHello(self, request, context):
            raise facade.Unavailable("the shop is closed")

    async with stub_of(Mine()) as stub:
        error = await failure(stub.SayHello(Hello()))
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert error.details() == "the shop is closed"


async def test_a_request_that_is_no_message():
    """The caller is told, and no servicer is bothered."""
    async with stub_of(AioGreeter()) as stub:
        stub.SayHello._request_serializer = lambda _: b"\xff"
        error = await failure(stub.SayHello(b""))
        assert error.code() is grpc.StatusCode.INTERNAL
        assert "Exception deserializing request!" in error.details()


async def test_a_long_text_is_cut(caplog):
    """It travels in a header, and clients refuse long ones."""

    class Mine(AioGreeter):
        async def SayHello(self, request, context):
            raise ValueError("x" * 100_000)

    async with stub_of(Mine()) as stub:
        error = await failure(stub.SayHello(Hello()))
        assert error.code() is grpc.StatusCode.UNKNOWN
        assert error.details().endswith("xxx...")


# Cancelling, and time


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
        error = await failure(stub.SayHellos(Hello(), timeout=0.2))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await waits.cancelled.wait()


@pytest.mark.parametrize("name", ["SayHello", "SayHellos"])
async def test_the_time_of_triple_counts_as_well(name):
    """A caller who says it in Triple's way alone is told by us."""
    waits = Waits()
    if name == "SayHello":
        asyncio.get_running_loop().call_later(1.0, waits.released.set)
    async with stub_of(waits) as stub:
        call = getattr(stub, name)(Hello(), metadata=(("tri-service-timeout", "200"),))
        error = await failure(call)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
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
        await failure(stub.SayHello(Hello(), timeout=0.2))
        await waits.done.wait()
        waits.released.set()
        await asked.wait()


# Threads


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
