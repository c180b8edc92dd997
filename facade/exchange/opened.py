"""Frames and envelopes with long contents, taken apart by hand.

protobuf copies all bytes into its message, and once more for whoever reads the field: 150 and 80 us
for 1 MiB, for each message around it. Here a content is a view of what came until it is needed.
What is not as it most likely is, protobuf reads; so it alone says what is wrong.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from facade.exchange.envelope import Envelope, Frame, WireInvocation, WireResult, parse
from facade.v1 import exchange_pb2

# From so many bytes on a content is taken out by hand. Below, protobuf is as fast.
LONG = 128 * 1024

# Kinds of wire fields.
_VARINT, _BYTES = 0, 2

# What an envelope has where it has nothing.
_NOTHING = Envelope()

_ENVELOPES = Frame.ENVELOPES_FIELD_NUMBER << 3 | _BYTES


class Opened:
    """In the place of an Envelope whose ``kind`` has a long content."""

    __slots__ = ("_kind", "_message", "id")

    def __init__(self, id: int, kind: str, message: "Long") -> None:
        self.id = id
        self._kind = kind
        self._message = message

    def WhichOneof(self, _: str) -> str:  # noqa: N802
        return self._kind

    def __getattr__(self, name: str) -> Any:
        return self._message if name == self._kind else getattr(_NOTHING, name)


class Long:
    """In the place of a message: its ``field`` has a long content, all others are in ``rest``."""

    __slots__ = ("_content", "_field", "_rest")

    def __init__(self, rest: Any, field: str, content: bytes | memoryview) -> None:
        self._rest = rest
        self._field = field
        self._content = content

    def WhichOneof(self, _: str) -> str:  # noqa: N802
        return self._field

    def __getattr__(self, name: str) -> Any:
        return self._content if name == self._field else getattr(self._rest, name)


def open_frame(data: bytes) -> Sequence[Any]:
    """The envelopes of a frame. ValueError for what is none."""
    view = memoryview(data)
    try:
        found = list(_fields(view))
        known = all(tag == _ENVELOPES for _, tag, _, _ in found)
        if known and any(stop - start >= LONG for _, _, start, stop in found):
            return [open_envelope(view[start:stop]) for _, _, start, stop in found]
    except (IndexError, ValueError):
        pass
    envelopes: Sequence[Any] = parse(data, Frame).envelopes
    return envelopes


def open_envelope(data: memoryview) -> Any:
    """An envelope. ValueError for what is none."""
    try:
        opened = _take_out(data) if len(data) >= LONG else None
    except (IndexError, ValueError):
        opened = None
    return opened or parse(bytes(data), Envelope)


def _take_out(data: memoryview) -> Opened | None:
    kind = _long(data, _KINDS)
    if kind is None:
        return None
    (name, contents, oneof, message), inner, around = kind
    content = _long(inner, contents)
    if content is None:
        return None
    field, value, others = content
    envelope, rest = parse(around, Envelope), parse(others, message)
    # Of two the last one counts: that is for protobuf to see.
    if envelope.WhichOneof("kind") or (rest.WhichOneof(oneof) if oneof else getattr(rest, field)):
        return None
    # Of a chunk the data go where all chunks are put together.
    return Opened(envelope.id, name, Long(rest, field, bytes(value) if oneof else value))


def _long(data: memoryview, known: dict[int, Any]) -> tuple[Any, memoryview, bytes] | None:
    """The first long field, where it is ``known`` by its tag: what is known of it, its value, and
    the message without it."""
    for at, tag, start, stop in _fields(data):
        if stop - start >= LONG:
            if tag not in known:
                return None
            return known[tag], data[start:stop], b"".join((data[:at], data[stop:]))
    return None


def _fields(data: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """Of each field where it begins, its tag, and where its value begins and ends. ValueError or
    IndexError for what a message of ours does not have."""
    at, end = 0, len(data)
    while at < end:
        tag, start = _number(data, at)
        number, stop = _number(data, start)
        if tag & 7 == _BYTES:
            start, stop = stop, stop + number
        elif tag & 7 != _VARINT:
            raise ValueError(f"a field of the kind {tag & 7}")
        if stop > end:
            raise ValueError("it is cut off")
        yield at, tag, start, stop
        at = stop


def _number(data: memoryview, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    number = shift = 0
    while shift < 64:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
    raise ValueError("a number is too long")


def _tag(message: Any, field: str) -> int:
    number: int = message.DESCRIPTOR.fields_by_name[field].number
    return number << 3 | _BYTES


def _known(kind: str, message: Any, oneof: str, *contents: str) -> tuple[int, Any]:
    return _tag(Envelope, kind), (kind, {_tag(message, c): c for c in contents}, oneof, message)


# By its tag: the name of a kind, its long fields, which oneof they are of, and its message.
_KINDS = dict(
    (
        _known("invocation", WireInvocation, "arguments", "msgpack", "raw"),
        _known("result", WireResult, "outcome", "msgpack", "raw"),
        _known("chunk", exchange_pb2.Chunk, "", "data"),
    )
)
