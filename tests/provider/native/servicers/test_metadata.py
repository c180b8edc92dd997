"""Generated servicers: metadata there and back."""
# ruff: noqa: N802 -- methods have the names of their .proto

import grpc
import pytest

import facade
from facade import RpcContext
from tests.greeter.greeter_pb2 import Greeting, Hello
from tests.provider.native.conftest import (
    AioGreeter,
    SyncGreeter,
    failure,
    stub_of,
    texts,
)
from tests.provider.native.servicers.recorder import styles


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
        assert 20 < left[2] <= 30


@pytest.mark.parametrize("base", [AioGreeter, SyncGreeter])
async def test_metadata_that_can_not_travel(base):
    """Who gives them is told which, where he gives them, and his caller too."""
    bad = (("a b", "1"),)

    class Aio(AioGreeter):
        async def SayHello(self, request, context):
            if request.name:
                await context.abort(grpc.StatusCode.ABORTED, "", bad)
            context.set_trailing_metadata(bad)

    class Sync(SyncGreeter):
        def SayHello(self, request, context):
            if request.name:
                context.abort(grpc.StatusCode.ABORTED, "", bad)
            context.set_trailing_metadata(bad)

    async with stub_of(Aio() if base is AioGreeter else Sync()) as stub:
        for name in ("", "Ann"):
            error = await failure(stub.SayHello(Hello(name=name)))
            assert error.code() is grpc.StatusCode.UNKNOWN
            assert "metadata can't be named 'a b'" in error.details()
