"""What is written to a stream, frame by frame."""

import asyncio
from types import SimpleNamespace

import pytest

from facade.exchange.bulk import LARGE
from facade.exchange.envelope import Envelope, Frame
from facade.exchange.writer import Writer

LIMIT = 16 * LARGE


class Written:
    """A stream on which the peer has each chunk as soon as it is written."""

    def __init__(self):
        self.frames = []
        self.writer = None

    async def write(self, frame):
        self.frames.append(frame)
        await asyncio.sleep(0)
        for envelope in Frame.FromString(frame).envelopes:
            if envelope.WhichOneof("kind") == "ping":
                self.writer.acknowledge(envelope.ping.nonce)


@pytest.fixture
async def written():
    """A stream with its writer, which runs until the test is over."""
    stream = Written()
    stream.writer = Writer(stream, 0)
    running = asyncio.create_task(stream.writer.run(SimpleNamespace(posted=[]), lambda: None))
    await asyncio.sleep(0)
    yield stream
    running.cancel()


def result(id, size):
    envelope = Envelope(id=id)
    envelope.result.raw = bytes(size)
    return envelope.SerializeToString()


async def test_no_frame_is_larger_than_the_peer_takes(written):
    """Nor where a value of a stream, which is never cut, goes beside chunks."""
    writer = written.writer
    writer.limit(LIMIT)
    writer.send(*writer.bulk.cut(1, b"", result(1, LIMIT - 100), None))
    while writer.busy:
        if writer.bulk:
            item = Envelope(id=3)
            item.item.raw = bytes(LIMIT - 100)
            writer.send(item.SerializeToString())
        await asyncio.sleep(0)
    envelopes = [e for frame in written.frames for e in Frame.FromString(frame).envelopes]
    kinds = [envelope.WhichOneof("kind") for envelope in envelopes]
    assert {"item", "chunk"} <= set(kinds)
    assert sum(len(e.chunk.data) for e in envelopes) == len(result(1, LIMIT - 100))
    assert max(map(len, written.frames)) <= LIMIT + 16  # see docs/wire.md


async def test_write_that_was_begun_as_the_writer_ends():
    """It is cancelled with it: what becomes of it later is no error that nobody retrieved."""
    written = asyncio.get_running_loop().create_future()

    class Slow:
        async def write(self, frame):
            await written

    writer = Writer(Slow(), 0)
    running = asyncio.create_task(writer.run(SimpleNamespace(posted=[]), lambda: None))
    await asyncio.sleep(0)
    writer.send(result(1, 10), None, alone=True)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert written.cancelled()
