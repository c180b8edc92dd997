"""Long contents, put into envelopes and taken out of frames by hand: as protobuf does it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facade.exchange import opened
from facade.exchange.envelope import Envelope, Frame
from facade.exchange.opened import open_frame
from facade.exchange.splice import before, varint

CONTENTS = [
    ("invocation", "msgpack"),
    ("invocation", "raw"),
    ("result", "msgpack"),
    ("result", "raw"),
    ("chunk", "data"),
]


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Little is long here, so that it is quick."""
    monkeypatch.setattr(opened, "LONG", 100)


def make(id, kind, field, content):
    envelope = Envelope(id=id)
    message = getattr(envelope, kind)
    if kind == "chunk":
        message.total_bytes, message.last = 1 << 40, True
    else:
        message.attachments["name"] = "x" * (len(content) % 200)
        message.binary_attachments["bytes"] = b"\xff"
    setattr(message, field, content)
    return envelope


def read(envelope):
    """What anybody reads of one."""
    kind = envelope.WhichOneof("kind")
    message = getattr(envelope, kind or "ping")
    if kind == "chunk":
        return envelope.id, bytes(message.data), message.total_bytes, message.last
    if kind not in ("invocation", "result"):
        return envelope.id, kind, message
    field = message.WhichOneof("arguments" if kind == "invocation" else "outcome")
    content = getattr(message, field) if field else None
    return envelope.id, kind, field, content, dict(message.attachments)


envelopes = st.builds(
    lambda number, names, content: make(number, *names, content),
    st.integers(1, 2**64 - 1),
    st.sampled_from(CONTENTS),
    st.binary(max_size=5) | st.integers(90, 20_000).map(bytes),
)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 20_000])
@pytest.mark.parametrize(("kind", "field"), CONTENTS)
def test_spliced_envelope_is_the_envelope(kind, field, size):
    """What stands before a content, and the content: what protobuf reads is the whole envelope."""
    whole = make(2**40, kind, field, b"x" * size)
    without = make(2**40, kind, field, b"x" * size)
    getattr(without, kind).ClearField(field)
    data = before(without, kind, field, size) + b"x" * size
    assert read(Envelope.FromString(data)) == read(whole)


@given(st.lists(envelopes, max_size=5))
def test_frame_is_read_as_by_protobuf(wanted):
    """Long or short, alone or among others."""
    data = Frame(envelopes=wanted).SerializeToString()
    assert [read(e) for e in open_frame(data)] == [read(e) for e in wanted]


@given(st.lists(envelopes, min_size=1, max_size=3), st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_damaged_frame_is_read_as_by_protobuf(wanted, data):
    """Whatever a peer sends: the same envelopes, or an error in both cases."""
    frame = bytearray(Frame(envelopes=wanted).SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, min(len(frame), 60) - 1))
        frame[place] = data.draw(st.integers(0, 255))
    frame = bytes(frame[: data.draw(st.sampled_from([len(frame), len(frame) // 2]))])
    try:
        expected = [read(e) for e in Frame.FromString(frame).envelopes]
    except Exception:
        with pytest.raises(ValueError, match="not a facade"):
            open_frame(frame)
    else:
        assert [read(e) for e in open_frame(frame)] == expected


def test_last_one_of_two_counts():
    """A long content and an error in one result: it is protobuf that decides."""
    first, second = make(2, "result", "raw", bytes(500)), Envelope()
    second.result.error.message = "no"
    envelope = first.SerializeToString() + second.SerializeToString()
    (found,) = open_frame(b"\x0a" + varint(len(envelope)) + envelope)
    assert found.result.WhichOneof("outcome") == "error"


def test_kind_that_it_is_not():
    """Where another kind is looked for there is an empty message, as protobuf has it."""
    data = Frame(envelopes=[make(1, "invocation", "raw", bytes(500))]).SerializeToString()
    (envelope,) = open_frame(data)
    assert envelope.result.WhichOneof("outcome") is None
    assert not envelope.optional
    assert envelope.invocation.service == ""
