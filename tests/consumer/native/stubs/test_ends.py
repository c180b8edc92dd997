"""Generated stubs on AsyncClient: calls that end before their end."""

import asyncio
import gc
import sys

import grpc
import grpc.aio
import pytest

import facade
from facade import AsyncClient
from tests.consumer.native.stubs.greetings import drain, endless, hellos
from tests.greeter.greeter_pb2 import Hello
from tests.greeter.greeter_pb2_grpc import GreeterStub


async def test_a_call_is_cancelled(stub, servicer):
    """Its cancel() reaches the provider, and whoever waits."""
    call = stub.SayHello(Hello(name="slow"))
    await servicer.started.wait()
    assert call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await servicer.ended.wait()
    assert call.cancelled()
    assert await call.code() is grpc.StatusCode.CANCELLED
    assert await call.details() == "Locally cancelled by application!"


@pytest.mark.parametrize(
    "start",
    [
        lambda stub: stub.SayHello(Hello(name="slow")),
        lambda stub: drain(stub.SayHellos(Hello(name="endless"))),
        lambda stub: drain(stub.Chat(endless())),
    ],
)
async def test_the_caller_is_cancelled(stub, servicer, start):
    """A cancelled task takes its call with it, at the provider too."""

    async def wait():
        await start(stub)

    task = asyncio.create_task(wait())
    await servicer.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await servicer.ended.wait()


async def test_requests_are_let_go_of(stub, servicer):
    """When the call ends first, the iterator of its requests is ended too."""
    closed = asyncio.Event()

    async def requests():
        try:
            yield Hello(name="refused")
            await asyncio.Event().wait()
        finally:
            closed.set()

    with pytest.raises(facade.RpcError, match="not you"):
        await stub.SayHelloToAll(requests())
    await closed.wait()


@pytest.mark.parametrize("close", [True, False])
async def test_requests_are_let_go_of_at_an_end_of_ours(target, close):
    """Where the client closes, or its own clock says that the time is up."""
    taken, closed = asyncio.Event(), asyncio.Event()

    async def requests():
        try:
            yield Hello(name="Ann")
            taken.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    client = AsyncClient(target, countdown=False, timeout=20)
    stub = GreeterStub(client.channel())
    await stub.SayHello(Hello(name="Ann"))  # it is connected
    call = stub.SayHelloToAll(requests(), timeout=20 if close else 1)
    waiting = asyncio.ensure_future(call)
    await taken.wait()
    if close:
        await client.close(grace=0)
    with pytest.raises(facade.Unavailable if close else facade.DeadlineExceeded):
        await waiting
    await closed.wait()
    await client.close(grace=0)


async def test_requests_that_fail(stub, servicer):
    """What the iterator of requests raises is the cause of the call's error."""

    async def requests():
        yield Hello(name="Ann")
        raise KeyError("lost")

    for call in (stub.SayHelloToAll(requests()), drain(stub.Chat(requests()))):
        with pytest.raises(grpc.RpcError, match="raised KeyError") as caught:
            await call
        assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(facade.InvalidArgument, match="a str can't be sent"):
        await stub.SayHelloToAll(["Ann"])


async def test_a_write_is_told_of_the_end(stub):
    """Who writes to a call that has failed gets its error."""
    call = stub.SayHelloToAll()
    await call.write(Hello(name="refused"))

    async def write_on():
        while True:
            await call.write(Hello(name="Ann"))

    with pytest.raises(facade.RpcError, match="not you"):
        await write_on()
    assert await call.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_the_client_closes(target, servicer):
    """Calls under way end with an error, and new ones are refused."""
    client = AsyncClient(target, timeout=20)
    stub = GreeterStub(client.channel())
    call = stub.SayHello(Hello(name="slow"), timeout=60)
    answers = stub.SayHellos(Hello(name="endless"))
    await servicer.started.wait()
    await answers.initial_metadata()
    await client.close(0)
    with pytest.raises(facade.Unavailable):
        await call
    with pytest.raises(facade.Unavailable):
        await answers.read()
    with pytest.raises(facade.Unavailable, match="closed") as caught:
        await stub.SayHello(Hello())
    assert caught.value.sent is facade.Sent.NOT_SENT


async def test_nothing_is_left(client, servicer):
    """After calls that ended in every way, no task of ours is left."""
    stub = GreeterStub(client.channel())
    await stub.SayHello(Hello())
    before = len(asyncio.all_tasks())
    await stub.SayHelloToAll(hellos("a"))
    await drain(stub.Chat(hellos("a")))
    async for _ in stub.SayHellos(Hello(name="endless", count=1)):
        break
    with pytest.raises(facade.RpcError):
        await drain(stub.SayHellos(Hello(name="broken")))
    await servicer.ended.wait()
    while len(asyncio.all_tasks()) > before:
        gc.collect()
        await asyncio.sleep(0)


def test_call_that_could_not_be_begun(monkeypatch):
    """Without an event loop it raises, and nothing is complained of when it is let go of."""
    gc.collect()  # what others have left may complain
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    stub = GreeterStub(facade.AsyncClient("127.0.0.1:1").channel())
    with pytest.raises(RuntimeError, match="no running event loop"):
        stub.SayHello(Hello(name="Ann"))
    gc.collect()
    assert complaints == []
