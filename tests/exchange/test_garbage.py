"""Bytes on a stream that are no frame."""

import logging

import grpc.aio
import pytest

import facade
from facade import Status
from facade.exchange.transport import EXCHANGE
from facade.service import find_interface


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff", b"\x0a\xff", b"GET / HTTP/1.1\r\n\r\n"])
async def test_garbage_ends_the_stream(joined, garbage):
    """Bytes that are no frame end it with INVALID_ARGUMENT."""
    connection, hand = await joined()
    await hand.stream.write(garbage)
    error = await hand.error()
    assert error.status is Status.INVALID_ARGUMENT
    assert "Frame" in error.message
    await connection.closed.wait()


async def test_garbage_is_logged_once(joined, caplog):
    """The log has one line of it, which says who sent it."""
    caplog.set_level(logging.WARNING, "facade")
    _, hand = await joined()
    await hand.stream.write(b"\xff\xff\xff")
    await hand.error()
    (record,) = caplog.records
    assert "memory" in record.getMessage()
    assert record.exc_info is None


async def test_garbage_cancels_what_the_stream_called(joined, envelope, work):
    """Nobody waits for its calls any more."""
    _, hand = await joined()
    await hand.send(envelope.invocation(1, "work"))
    await work.started.wait()
    await hand.stream.write(b"\xff\xff\xff")
    await work.cancelled.wait()


async def test_garbage_harms_no_other_stream(work):
    """Over gRPC: it ends with gRPC's status, and another client's calls go on."""
    interface = find_interface(work)
    server = facade.Server("127.0.0.1:0")
    server.export(interface, work)
    async with (
        server,
        facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20) as client,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        worker = client.refer(interface)
        call = worker.work.future()
        await work.started.wait()
        stream = channel.stream_stream(EXCHANGE)()
        await stream.write(b"\xff\xff\xff")
        assert await stream.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert await worker.echo("hi") == "hi"
        work.released.set()
        assert await call == "done"
