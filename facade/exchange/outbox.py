"""What waits to be written to a stream, and how it is cut into frames."""

import asyncio
from collections import deque
from functools import lru_cache
from time import monotonic
from typing import Protocol

from facade.exchange.heartbeat import Heartbeat
from facade.exchange.splice import varint

# A frame is written when it has this many bytes or envelopes, or nothing more waits.
# Small enough that no envelope waits long for the one behind it to be read.
FRAME_BYTES = 64 * 1024
FRAME_ENVELOPES = 256

# Where frames are written fast, one of so few envelopes may have more bytes: gRPC takes 200 us
# for a message at each end. With frames of 1 MiB and 64 calls of 16 KiB in flight 1.5 times the
# calls/s, of 64 KiB 1.8 times; frames of all 64 gave half, as then one end waits for the other.
FEW = 16
# It is no more, as gRPC takes a dozen for a peer that does not read, and pongs wait behind them.
WIDEST_FRAME = 256 * 1024

# Seconds that the writing of a frame may take before the next ones are to be smaller.
SLOW = 0.05

# What an envelope takes besides its bytes in a frame, at most, and in memory; and from how many on
# it is worth to count them.
HEAD = 6
OVERHEAD = 128
MANY = 16


class Sendable(Protocol):
    """A call whose envelope is in the box. ``dropped`` takes it back; ``sent_at`` is set
    once that is too late."""

    @property
    def dropped(self) -> bool: ...

    sent_at: float | None


class Outbox:
    """Serialized envelopes, in the order in which they are to go. ``most``: see ``wait``."""

    def __init__(self, most: int = 0) -> None:
        self._most = most
        self._waiting: deque[tuple[bytes, Sendable | None]] = deque()
        self.put = self._waiting.append
        self._begun = False
        # From how many on to look how large they are: each time it would take too long.
        self.look_at = MANY
        # Bytes of one message that the peer takes; of a frame, and of one of few envelopes.
        self._limit = self._bytes = self._width = FRAME_BYTES

    def __len__(self) -> int:
        return len(self._waiting)

    def _size(self) -> int:
        """What waits, in bytes of memory."""
        return sum(len(envelope) + OVERHEAD for envelope, _ in self._waiting)

    async def wait(self, heartbeat: Heartbeat) -> None:
        """Wait until no more than ``most`` waits. To be asked where as many wait as ``look_at``.

        Who reads from the peer waits here: nothing is read of who does not read what he asked
        for. That he takes some of it is a sign of life.
        """
        while self._most and self._size() > self._most:
            waiting = len(self._waiting)
            await asyncio.sleep(0.02)
            if len(self._waiting) < waiting:
                heartbeat.heard = monotonic()
        self.look_at = 2 * len(self._waiting) + MANY

    def put_first(self, envelope: bytes) -> None:
        """Ahead of what waits; but nothing goes ahead of the stream's first frame, the setup."""
        if self._begun:
            self._waiting.appendleft((envelope, None))
        else:
            self.put((envelope, None))

    def limit(self, size: int) -> None:
        """The peer takes messages of so many bytes."""
        self._limit = min(size, WIDEST_FRAME)
        self._bytes = self._width = min(size, FRAME_BYTES)

    def adapt(self, size: int, took: float) -> None:
        """A frame of ``size`` bytes took so many seconds to write."""
        if took > SLOW:
            self._width = max(self._bytes, self._width // 2)
        elif size > self._width // 2:
            self._width = min(self._limit, 2 * self._width)

    def take(self, now: float) -> bytes:
        """The next frame, stamping its calls as sent. Empty where nothing waits."""
        self._begun = True
        waiting = self._waiting
        parts: list[bytes] = []
        size, most = 0, self._bytes
        while waiting and len(parts) < 2 * FRAME_ENVELOPES:
            envelope, call = waiting[0]
            size += len(envelope) + HEAD
            if size > most and parts and (len(parts) >= 2 * FEW or size > self._width):
                break
            waiting.popleft()
            if call is not None:
                if call.dropped:
                    continue
                call.sent_at = now
            parts.append(head(len(envelope)))
            parts.append(envelope)
        if not waiting:
            self.look_at = MANY
        return b"".join(parts)


@lru_cache(maxsize=8192)
def head(size: int) -> bytes:
    """What stands before an envelope in a serialized Frame: the tag of its field, its size.

    A frame is nothing but its envelopes, so that each is serialized once, alone, and its
    size is known before it is queued.
    """
    return b"\x0a" + varint(size)
