"""Writes what lies in the outbox, and large envelopes in chunks beside it."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from facade.exchange.assembly import AT_ONCE
from facade.exchange.begin import begin, drop
from facade.exchange.bulk import LARGE, Bulk
from facade.exchange.multiplexer import Multiplexer
from facade.exchange.outbox import FRAME_BYTES, Outbox, Sendable
from facade.exchange.stream import FrameStream

# Bytes around a chunk in a frame, at most, with its ping.
AROUND = 128


class Writer:
    """What gathers while a frame is being written goes with the next one. ``most``: how many
    bytes may wait of what the peer asked for (0: any number)."""

    def __init__(self, stream: FrameStream, most: int) -> None:
        self.outbox = Outbox(most)
        self.bulk = Bulk(most)
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        # What the idle writer waits for; it gives a write that was begun already, or None.
        self._wake: asyncio.Future[Awaitable[None] | None] | None = None
        self._writing = False
        # Bytes that a frame may have for a chunk to go in it, too.
        self._beside = FRAME_BYTES

    @property
    def busy(self) -> bool:
        """Whether anything is still to go."""
        return bool(self.outbox or self.bulk or self._writing)

    def limit(self, size: int) -> None:
        """The peer takes messages of so many bytes."""
        # Where there are chunks, one of them goes behind the rest, and a ping.
        self._beside = most = size if size <= LARGE else size // 2
        self.outbox.limit(most)
        self.bulk.limit(most - AROUND, AT_ONCE * size)

    def send(self, envelope: bytes, call: Sendable | None = None, alone: bool = False) -> None:
        """Queue a serialized envelope: see ``Send``."""
        self.outbox.put((envelope, call))
        wake = self._wake
        if wake is None or wake.done():
            return  # the writer is busy, and comes back for it
        self._writing = True
        if alone:
            wake.set_result(begin(self._stream.write(self.outbox.take(monotonic()))))
        else:
            wake.set_result(None)

    def send_first(self, envelope: bytes) -> None:
        """Ahead of what waits."""
        self.outbox.put_first(envelope)
        self.wake()

    def acknowledge(self, nonce: int) -> None:
        """A pong came: it may be for a chunk."""
        self.bulk.acknowledge(nonce, monotonic())
        if self.bulk.ready:
            self.wake()

    def wake(self) -> None:
        wake = self._wake
        if wake is not None and not wake.done():
            self._writing = True
            wake.set_result(None)

    async def run(self, calls: Multiplexer, idle: Callable[[], None]) -> None:
        """Write on and on. ``idle`` is called whenever nothing waits."""
        outbox, bulk, write = self.outbox, self.bulk, self._stream.write
        chunks = bulk.waiting  # most of the time there are none
        while True:
            if calls.posted:
                calls.written()
            if not outbox and not (chunks and bulk.ready):
                self._writing = False
                idle()
                wake = self._wake = self._loop.create_future()
                try:
                    begun = await wake
                except asyncio.CancelledError:
                    if wake.done() and not wake.cancelled() and wake.result() is not None:
                        drop(wake.result())  # or nobody would hear how the write ends
                    raise
                self._wake = None
                if begun is not None:
                    await begun
                    continue
            began = monotonic()
            frame = outbox.take(began)
            if chunks and bulk.ready:
                if len(frame) > self._beside:  # an envelope that goes alone
                    await write(frame)
                    frame = b""
                frame = b"".join((frame, *bulk.take(began)))
            if frame:
                await write(frame)
                if len(frame) > FRAME_BYTES // 2:
                    outbox.adapt(len(frame), monotonic() - began)

    async def flush(self) -> None:
        """Wait until all is written, for a second at most."""
        for _ in range(100):
            if not self.busy:
                return
            await asyncio.sleep(0.01)
