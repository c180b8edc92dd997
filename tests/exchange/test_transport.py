"""A gRPC call that ends while it is written to."""

import asyncio
from contextlib import asynccontextmanager

import grpc
import pytest

import facade
from facade.exchange.options import channel_options
from facade.exchange.settings import Settings
from facade.exchange.transport import GrpcTransport
from tests.faults.until import until


class Ending(grpc.GenericRpcHandler):
    """Sends messages on each stream, and ends it, with a status where there is one."""

    def __init__(self, status=None):
        self.status = status

    def service(self, details):
        async def serve(requests, context):
            for number in range(3):
                await context.write(b"unread %d" % number)
            if self.status is not None:
                await context.abort(self.status, "enough")

        return grpc.stream_stream_rpc_method_handler(serve)


@asynccontextmanager
async def serving(handler):
    server = grpc.aio.server(handlers=[handler])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(0)


# What a write may raise.
FAILED = grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError


async def write_on(stream):
    while True:
        await stream.write(b"-")
        await asyncio.sleep(0)


@asynccontextmanager
async def ended(handler):
    """A stream to it that was written to until that failed."""
    async with serving(handler) as target:
        stream = await GrpcTransport(target, channel_options(Settings())).open()
        with pytest.raises(FAILED) as failed:
            await write_on(stream)
        assert isinstance(stream.explain(failed.value), facade.Unavailable)
        yield stream
        stream.close()


async def test_stream_that_could_not_be_written():
    """gRPC lets go of it, though it has something to read that nobody will."""
    async with ended(Ending()) as stream:
        stream.close()
        await until(lambda: not any("_AioCall" in repr(task) for task in asyncio.all_tasks()))


async def test_what_was_sent_before_the_end():
    """All of it can be read after a write has failed, and then the end."""
    async with ended(Ending()) as stream:
        for number in range(3):
            assert await stream.read() == b"unread %d" % number
        assert await stream.read() is stream.end


async def test_why_it_ended():
    """Its status is not lost to that of a write that has failed."""
    async with ended(Ending(grpc.StatusCode.RESOURCE_EXHAUSTED)) as stream:
        for number in range(3):
            assert await stream.read() == b"unread %d" % number
        with pytest.raises(grpc.aio.AioRpcError, match="enough") as caught:
            await stream.read()
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
