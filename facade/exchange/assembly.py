"""Envelopes that come in chunks, put together again."""

from typing import Any

from facade.exchange.opened import open_envelope

# How many bytes of unfinished envelopes one peer may have here, in envelopes of the largest size.
AT_ONCE = 16


class Assembly:
    """What has come of the envelopes of one peer. ``largest``: bytes of one, at most."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._parts: dict[int, bytearray] = {}
        self._totals: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, id: int) -> bool:
        return id in self._parts

    def begin(self, id: int, chunk: Any) -> None:
        """The first chunk of an envelope. ValueError for one that is too large, or too much."""
        total = chunk.total_bytes
        if not 0 < total <= self._largest:
            raise ValueError(
                f"an envelope of {total} bytes is announced, and this end takes {self._largest} "
                "(max_message_size)"
            )
        if sum(self._totals.values()) + total > AT_ONCE * self._largest:
            raise ValueError(
                f"{len(self._parts)} large envelopes are unfinished, and there is room for "
                f"{AT_ONCE} of the largest (max_message_size)"
            )
        self._parts[id] = bytearray()
        self._totals[id] = total

    def add(self, id: int, chunk: Any) -> Any:
        """The envelope, with its last chunk; None before. ValueError for what does not fit."""
        part = self._parts[id]
        part += chunk.data
        total = self._totals[id]
        if len(part) > total or (chunk.last and len(part) != total):
            raise ValueError(f"chunks of {len(part)} bytes, where {total} were announced")
        if not chunk.last:
            return None
        self.discard(id)
        envelope = open_envelope(memoryview(part))
        if envelope.id != id or envelope.WhichOneof("kind") not in ("invocation", "result"):
            raise ValueError("chunks that are no call of theirs")
        return envelope

    def discard(self, id: int) -> None:
        self._parts.pop(id, None)
        self._totals.pop(id, None)

    def clear(self) -> None:
        self._parts.clear()
        self._totals.clear()
