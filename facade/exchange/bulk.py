"""Large envelopes, sent in chunks that leave room for small ones.

How it works. The first chunk goes where the envelope would have gone, so that calls begin in
order. The others wait in a lane of their own, and each frame takes one of them behind the
small envelopes that are there. Behind each chunk goes a ping: its pong tells that the chunk
has arrived, and how long that took. While that is hardly longer than the shortest time that
was seen, nothing queues on the way, and more may be under way at once; when it is longer,
less. So a slow link is kept busy, and a small call waits for a few hundredths of a second
behind the chunks, and not for all of a transfer. (As LEDBAT does, RFC 6817.)

There is no I/O here, and no clock: the caller says what time it is, in seconds.
"""

from collections import deque
from math import inf
from typing import Any
from weakref import WeakSet

from facade.exchange.envelope import Envelope
from facade.exchange.outbox import Sendable, head
from facade.exchange.splice import Piece, before

# From this size on an envelope goes in chunks.
LARGE = 256 * 1024

# Bytes of the first chunk, and the bounds of the others.
FIRST = 16 * 1024
SMALLEST = 16 * 1024
LARGEST = 4 * 1024 * 1024

# Bytes that may be under way: at first and at least, and at most.
NARROWEST = 64 * 1024
WIDEST = 16 * 1024 * 1024

# Seconds that chunks may wait on the way, beyond the shortest time seen, before there are too
# many of them.
TARGET = 0.025

# Tells our pings from those of the heartbeat.
_MARK = 1 << 63


class Large(Sendable):
    """An envelope in chunks. Its first one is told when it goes: see ``Sendable``.

    ``head``: what stands before its ``content``. They are not joined, as each copy of 1 MiB takes
    200 us between calls, where nothing is in a cache.
    """

    __slots__ = ("_call", "_data", "_head", "_lane", "_offset", "id")

    def __init__(
        self, id: int, head: bytes, content: bytes, call: Sendable | None, lane: "Bulk"
    ) -> None:
        if len(head) > FIRST:  # with many attachments
            head, content = b"", head + content
        self.id = id
        self._head = head
        self._data = memoryview(content)
        self._call = call
        self._lane = lane
        self._offset = 0

    def first(self) -> bytes:
        """The first chunk, as an envelope."""
        envelope = Envelope(id=self.id)
        envelope.chunk.total_bytes = self.size
        return b"".join(self._chunk(envelope, self._head, FIRST - len(self._head)))

    def next(self, size: int) -> list[Piece]:
        """A chunk of so many bytes, or of what is left, as an envelope in pieces."""
        return self._chunk(Envelope(id=self.id), b"", size)

    def _chunk(self, envelope: Any, head: bytes, size: int) -> list[Piece]:
        part = self._data[self._offset : self._offset + size]
        self._offset += len(part)
        envelope.chunk.last = self.done
        return [before(envelope, "chunk", "data", len(head) + len(part)), head, part]

    @property
    def size(self) -> int:
        """Bytes of the whole."""
        return len(self._head) + len(self._data)

    @property
    def left(self) -> int:
        """Bytes that are still to go."""
        return len(self._data) - self._offset

    @property
    def done(self) -> bool:
        return self._offset == len(self._data)

    @property
    def dropped(self) -> bool:
        """Nobody waits for what it is about."""
        return self._call is not None and self._call.dropped

    @property
    def sent_at(self) -> float | None:
        return None if self._call is None else self._call.sent_at

    @sent_at.setter
    def sent_at(self, now: float | None) -> None:
        """Its first chunk goes: the others may follow."""
        if self._call is not None:
            self._call.sent_at = now
        self._lane.add(self)


class Bulk:
    """The chunks that are to go, and how many may be under way. ``most``: how many bytes may wait
    here (0: any number)."""

    def __init__(self, most: int = 0) -> None:
        self._most = most
        self.waiting: deque[Large] = deque()
        # All that was cut and is to go on: it lies here, or its first chunk is yet to go.
        self._cut: WeakSet[Large] = WeakSet()
        # How many bytes of unfinished envelopes the peer keeps.
        self._room: float = inf
        # What is under way: number of the ping behind it, bytes, when it went.
        self._sent: deque[tuple[int, int, float]] = deque()
        self._number = 0
        self._under_way = 0
        self._shortest = inf
        self.window = NARROWEST
        self._largest = LARGEST

    def limit(self, size: int, room: int) -> None:
        """The peer takes no larger chunks, and keeps so many bytes of unfinished envelopes."""
        self._largest = min(size, LARGEST)
        self._room = room

    def __len__(self) -> int:
        return len(self.waiting)

    def cut(
        self, id: int, head: bytes, content: bytes, call: Sendable | None
    ) -> tuple[bytes, Sendable | None]:
        """What to send in place of a large envelope, and who is told when that goes. Where there
        is no room for it here, or at the peer, it is the envelope itself."""
        large = Large(id, head, content, call, self)
        cut = [large, *self._cut]
        waits = sum(each.left for each in cut)
        if waits > self._most > 0 or sum(each.size for each in cut) > self._room:
            return head + content, call
        self._cut.add(large)
        return large.first(), large

    def add(self, large: Large) -> None:
        self.waiting.append(large)

    def discard(self, id: int) -> None:
        """The peer does not want the rest of it."""
        for large in [large for large in self.waiting if large.id == id]:
            self.waiting.remove(large)

    @property
    def ready(self) -> bool:
        """Whether a chunk may go now."""
        return bool(self.waiting) and self._under_way < self.window

    def take(self, now: float) -> list[Piece]:
        """The next chunk, in pieces of a frame. Each transfer gets its turn."""
        if not self.ready:
            return []
        large = self.waiting.popleft()
        if large.dropped:
            # What the peer has of it is of no use.
            cancel = Envelope(id=large.id, cancel={}).SerializeToString()
            return [head(len(cancel)), cancel]
        chunk = large.next(min(max(SMALLEST, self.window // 4), self._largest))
        size = sum(map(len, chunk))
        if not large.done:
            self.waiting.append(large)
        self._number += 1
        self._under_way += size
        self._sent.append((self._number, size, now))
        ping = Envelope(ping={"nonce": _MARK | self._number}).SerializeToString()
        return [head(size), *chunk, head(len(ping)), ping]

    def acknowledge(self, nonce: int, now: float) -> None:
        """A pong came. One that answers none of our pings is none of ours."""
        if not nonce & _MARK:
            return
        number = nonce ^ _MARK
        while self._sent and self._sent[0][0] <= number:
            _, size, sent_at = self._sent.popleft()
            self._under_way -= size
            self._adapt(size, now - sent_at)

    def _adapt(self, size: int, took: float) -> None:
        self._shortest = min(self._shortest, took)
        if took - self._shortest < TARGET:
            self.window = min(WIDEST, self.window + size)
        else:
            self.window = max(NARROWEST, self.window - size)
