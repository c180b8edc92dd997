"""What is left of a gRPC call that has ended."""

import asyncio
from contextlib import asynccontextmanager

import grpc
import pytest

from facade.exchange.options import channel_options
from facade.exchange.settings import Settings
from facade.exchange.transport import GrpcTransport
from tests.faults.until import until


class Ending(grpc.GenericRpcHandler):
    """Sends a message on each stream, and ends it."""

    def service(self, details):
        async def serve(requests, context):
            await context.write(b"unread")

        return grpc.stream_stream_rpc_method_handler(serve)


@asynccontextmanager
async def serving(handler):
    server = grpc.aio.server(handlers=[handler])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(0)


async def write_on(stream):
    while True:
        await stream.write(b"-")
        await asyncio.sleep(0)


async def test_stream_that_could_not_be_written():
    """gRPC lets go of it, though it has something to read that nobody will."""
    async with serving(Ending()) as target:
        stream = await GrpcTransport(target, channel_options(Settings())).open()
        with pytest.raises((grpc.aio.AioRpcError, asyncio.InvalidStateError)):
            await write_on(stream)
        stream.close()
        await until(lambda: not any("_AioCall" in repr(task) for task in asyncio.all_tasks()))
