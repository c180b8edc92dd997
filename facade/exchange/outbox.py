"""What waits to be written to a stream, and how it is cut into frames."""

import asyncio
from collections import deque
from functools import lru_cache
from time import monotonic
from typing import Protocol

from facade.exchange.heartbeat import Heartbeat

# A frame is written when it has this many bytes or envelopes, or nothing more waits.
# Small enough that no envelope waits long for the one behind it to be read.
FRAME_BYTES = 64 * 1024
FRAME_ENVELOPES = 256


# What an envelope takes besides its bytes, and from how many on it is worth to count them.
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

    def take(self, now: float) -> bytes:
        """The next frame, stamping its calls as sent. Empty where nothing waits."""
        self._begun = True
        waiting = self._waiting
        parts: list[bytes] = []
        size = 0
        while waiting and len(parts) < 2 * FRAME_ENVELOPES:
            envelope, call = waiting[0]
            size += len(envelope)
            if parts and size > FRAME_BYTES:
                break
            waiting.popleft()
            if call is not None:
                if call.dropped:
                    continue
                call.sent_at = now
            parts.append(_head(len(envelope)))
            parts.append(envelope)
        if not waiting:
            self.look_at = MANY
        return b"".join(parts)


def framed(envelopes: list[bytes]) -> bytes:
    """As they stand in a frame."""
    return b"".join(part for e in envelopes for part in (_head(len(e)), e))


@lru_cache(maxsize=8192)
def _head(size: int) -> bytes:
    """What stands before an envelope in a serialized Frame: the tag of its field, its size.

    A frame is nothing but its envelopes, so that each is serialized once, alone, and its
    size is known before it is queued.
    """
    head = bytearray(b"\x0a")
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head)
