"""Generated servicers: errors, as they would be without us."""
# ruff: noqa: N802 -- methods have the names of their .proto

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.wrappers_pb2 import StringValue

import facade
from facade.exchange.richstatus import encode_status
from tests.greeter.greeter_pb2 import Greeting, Hello
from tests.provider.native.conftest import (
    AioGreeter,
    SyncGreeter,
    failure,
    stub_of,
)
from tests.provider.native.servicers.recorder import Recorder, styles


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
async def test_a_text_is_kept_though_there_is_a_code(style):
    """Where the provider keeps texts, it does so of what is raised after set_code, too."""

    class Aio(AioGreeter):
        async def SayHello(self, request, context):
            context.set_code(grpc.StatusCode.NOT_FOUND)
            raise ValueError("password=hunter2")

        async def SayHellos(self, request, context):
            context.set_code(grpc.StatusCode.NOT_FOUND)
            yield Greeting()
            raise ValueError("password=hunter2")

    class Sync(SyncGreeter):
        def SayHello(self, request, context):
            context.set_code(grpc.StatusCode.NOT_FOUND)
            raise ValueError("password=hunter2")

        def SayHellos(self, request, context):
            context.set_code(grpc.StatusCode.NOT_FOUND)
            yield Greeting()
            raise ValueError("password=hunter2")

    servicer = Sync() if style is SyncGreeter else Aio()
    for texts in ("declared", "all"):
        async with stub_of(servicer, filter_settings={"error_texts": texts}) as stub:
            for call in (stub.SayHello(Hello()), stub.SayHellos(Hello())):
                error = await failure(call)
                assert error.code() is grpc.StatusCode.NOT_FOUND
                assert ("hunter2" in error.details()) == (texts == "all")


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


@pytest.mark.parametrize("text", ["x", "%", "é", "漢", "\U0001f600", "\ud800"])
async def test_a_long_text_is_cut(text, caplog):
    """It travels quoted, in a header, and clients refuse long ones, and the status with them."""

    class Mine(AioGreeter):
        async def SayHello(self, request, context):
            if request.name == "raise":
                raise ValueError(text * 100_000)
            if request.name == "rich":
                packed = Any()
                packed.Pack(StringValue(value="why"))
                status = facade.Status.NOT_FOUND
                raise facade.RpcError(text * 100_000, status=status, details=[packed])
            await context.abort(grpc.StatusCode.NOT_FOUND, text * 100_000)

    async with stub_of(Mine()) as stub:
        for name in ("raise", "rich", "abort"):
            error = await failure(stub.SayHello(Hello(name=name)))
            wanted = grpc.StatusCode.UNKNOWN if name == "raise" else grpc.StatusCode.NOT_FOUND
            assert error.code() is wanted
            assert error.details().endswith("...")
