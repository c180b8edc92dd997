"""Unary calls of a client that is closed meanwhile."""

import asyncio

import grpc
import pytest

import facade
from facade import Sent


@facade.service("demo.Waiter")
class Waiter:
    async def wait(self) -> None: ...


class Waiting(Waiter):
    def __init__(self):
        self.begun = asyncio.Event()

    async def wait(self):
        self.begun.set()
        await asyncio.Event().wait()


@pytest.fixture
async def provider():
    waiting = Waiting()
    server = facade.Server("127.0.0.1:0")
    server.export(Waiter, waiting)
    await server.start()
    yield f"127.0.0.1:{server.port}", waiting
    await server.stop(grace=0)


async def test_call_that_is_under_way(provider):
    """It fails, and may have run; its caller, whom nobody cancelled, is not cancelled with it."""
    address, waiting = provider
    client = facade.AsyncClient(address, timeout=20, unary=True)
    call = asyncio.ensure_future(client.refer(Waiter).wait())
    await waiting.begun.wait()
    await client.close(grace=0)
    with pytest.raises(facade.Unavailable, match="was closed") as caught:
        await call
    assert caught.value.sent is Sent.MAYBE_EXECUTED


async def test_call_whose_credentials_are_being_asked_for(provider):
    """It fails, and was not sent."""
    asked, given = asyncio.Event(), asyncio.Event()

    async def credentials():
        asked.set()
        await given.wait()
        return {"authorization": "me"}

    address, waiting = provider
    client = facade.AsyncClient(address, timeout=20, unary=True, credentials=credentials)
    call = asyncio.ensure_future(client.refer(Waiter).wait())
    await asked.wait()
    await client.close(grace=0)
    given.set()
    with pytest.raises(facade.Unavailable, match="the client is closed") as caught:
        await call
    assert caught.value.sent is Sent.NOT_SENT
    assert not waiting.begun.is_set()


async def test_call_that_the_server_cancels():
    """As gRPC does with some as it stops. It fails as over a stream: Unavailable, and it may have
    run."""

    class Stopping(grpc.GenericRpcHandler):
        def service(self, details):
            async def serve(request, context):
                await context.abort(grpc.StatusCode.CANCELLED)

            return grpc.unary_unary_rpc_method_handler(serve)

    server = grpc.aio.server(handlers=[Stopping()])
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with facade.AsyncClient(target, timeout=20, unary=True, describe=False) as client:
        with pytest.raises(facade.Unavailable, match="ended the call") as caught:
            await client.refer(Waiter).wait()
    await server.stop(0)
    assert caught.value.sent is Sent.MAYBE_EXECUTED
