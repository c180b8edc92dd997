import pytest
from hypothesis import given
from hypothesis import strategies as st

from facade.exchange.envelope import Envelope, Frame, parse
from facade.exchange.outbox import FEW, FRAME_BYTES, FRAME_ENVELOPES, WIDEST_FRAME, Outbox


class Call:
    def __init__(self, dropped=False):
        self.dropped = dropped
        self.sent_at = None


def envelope(id, size=0):
    """A serialized envelope that is at least ``size`` bytes long."""
    message = Envelope(id=id)
    message.cancel.reason = "x" * size
    return message.SerializeToString()


def frames(outbox, now=5.0):
    """All frames until nothing waits."""
    while frame := outbox.take(now):
        yield frame


def ids(frame):
    return [envelope.id for envelope in parse(frame, Frame).envelopes]


# What comes out


sizes = st.integers(0, 300) | st.integers(0, FRAME_BYTES // 4)


@given(st.lists(st.tuples(sizes, st.booleans() | st.none()), max_size=40))
def test_frames_join_to_what_was_put_in(wanted):
    """Each frame is a Frame of the wire; together they hold every envelope once, in order.

    Only calls that were dropped while they waited are left out.
    """
    outbox = Outbox()
    sent = []
    for id, (size, dropped) in enumerate(wanted, start=1):
        call = None if dropped is None else Call(dropped)
        serialized = envelope(id, size)
        outbox.put((serialized, call))
        if not dropped:
            sent.append(serialized)
    received = []
    for frame in frames(outbox):
        received += [e.SerializeToString() for e in parse(frame, Frame).envelopes]
    assert received == sent
    assert len(outbox) == 0


@given(st.lists(sizes, min_size=1, max_size=40))
def test_frames_are_capped(wanted):
    """A frame has so many bytes at most, unless one envelope alone has more."""
    outbox = Outbox()
    for id, size in enumerate(wanted, start=1):
        outbox.put((envelope(id, size), None))
    for frame in frames(outbox):
        envelopes = parse(frame, Frame).envelopes
        assert sum(e.ByteSize() for e in envelopes) <= FRAME_BYTES or len(envelopes) == 1
        assert len(envelopes) <= FRAME_ENVELOPES


@given(st.lists(st.booleans(), max_size=30))
def test_what_is_put_in_while_frames_are_written_comes_after(turns):
    """Envelopes may come at any time between two frames, and keep their order."""
    outbox, put, received = Outbox(), [], []
    for id, write in enumerate(turns, start=1):
        put.append(id)
        outbox.put((envelope(id), None))
        if write:
            received += ids(outbox.take(0.0))
    for frame in frames(outbox):
        received += ids(frame)
    assert received == put


def test_empty_box_gives_no_frame():
    """There is nothing to write, and nothing is written."""
    outbox = Outbox()
    assert outbox.take(5.0) == b""
    assert not outbox


def test_no_frame_where_all_were_dropped():
    """Calls that were taken back leave no empty frame, and do not stay in the box."""
    outbox = Outbox()
    for id in range(3):
        outbox.put((envelope(id), Call(dropped=True)))
    assert outbox.take(5.0) == b""
    assert len(outbox) == 0


# Caps


def test_many_small_envelopes_share_frames():
    """Small ones fill a frame up to its number, and the rest goes on in the next."""
    outbox = Outbox()
    for id in range(1, FRAME_ENVELOPES + 11):
        outbox.put((envelope(id), None))
    assert len(outbox) == FRAME_ENVELOPES + 10
    assert ids(outbox.take(0.0)) == list(range(1, FRAME_ENVELOPES + 1))
    assert ids(outbox.take(0.0)) == list(range(FRAME_ENVELOPES + 1, FRAME_ENVELOPES + 11))


@pytest.mark.parametrize("position", [0, 1, 2])
def test_large_envelope_goes_alone(position):
    """One that is larger than a frame holds up nobody but itself, and is not torn apart."""
    outbox = Outbox()
    wanted = [envelope(id, 2 * FRAME_BYTES if id == position else 0) for id in range(3)]
    for serialized in wanted:
        outbox.put((serialized, None))
    written = list(frames(outbox))
    alone = [frame for frame in written if len(frame) > FRAME_BYTES]
    assert [ids(frame) for frame in alone] == [[position]]
    assert [id for frame in written for id in ids(frame)] == [0, 1, 2]


# Fast and slow links


def test_frames_of_few_grow_on_a_fast_link():
    """What is written fast may be followed by more, so that messages of 64 KiB share a frame; but
    no more than a few of them, and no more bytes than the peer takes."""
    outbox = Outbox()
    outbox.limit(10 * FRAME_BYTES)
    for id in range(1, 101):
        outbox.put((envelope(id, FRAME_BYTES // 2), None))
    counts = []
    for frame in frames(outbox):
        counts.append(len(ids(frame)))
        assert len(frame) <= 10 * FRAME_BYTES
        outbox.adapt(len(frame), 0.001)
    assert counts[0] == 1
    assert 1 < max(counts) <= FEW


def test_frames_shrink_on_a_slow_link():
    """What takes long to write is cut smaller again, down to where it began."""
    outbox = Outbox()
    outbox.limit(WIDEST_FRAME)
    for _ in range(10):
        outbox.adapt(WIDEST_FRAME, 0.001)
    for _ in range(10):
        outbox.adapt(WIDEST_FRAME, 1.0)
    for id in range(1, 5):
        outbox.put((envelope(id, FRAME_BYTES // 2), None))
    assert all(len(frame) <= FRAME_BYTES for frame in frames(outbox))


@pytest.mark.parametrize("limit", [1000, 5000, FRAME_BYTES])
def test_frames_stay_within_what_the_peer_takes(limit):
    """Many small envelopes together are not larger than the largest that is allowed alone."""
    outbox = Outbox()
    outbox.limit(limit)
    for id in range(1, 301):
        outbox.put((envelope(id, id % 200), None))
    assert all(len(frame) <= limit for frame in frames(outbox))


# Calls


def test_calls_are_stamped_when_they_go():
    """A call knows when it was written; one that waits for the next frame does not yet."""
    outbox = Outbox()
    first, second = Call(), Call()
    outbox.put((envelope(1, FRAME_BYTES - 100), first))
    outbox.put((envelope(2, FRAME_BYTES - 100), second))
    outbox.take(5.0)
    assert (first.sent_at, second.sent_at) == (5.0, None)
    outbox.take(6.0)
    assert (first.sent_at, second.sent_at) == (5.0, 6.0)


def test_dropped_call_is_not_stamped():
    """What was taken back has never been sent, and can be told so."""
    outbox = Outbox()
    dropped, kept = Call(), Call()
    outbox.put((envelope(1), dropped))
    outbox.put((envelope(2), kept))
    dropped.dropped = True
    assert ids(outbox.take(5.0)) == [2]
    assert dropped.sent_at is None
    assert kept.sent_at == 5.0


# What goes ahead


def test_put_first_goes_ahead_of_what_waits():
    """Once a first frame was taken."""
    outbox = Outbox()
    outbox.put((envelope(1), None))
    assert ids(outbox.take(0)) == [1]
    for id in (2, 3):
        outbox.put((envelope(id), None))
    outbox.put_first(envelope(4))
    assert ids(outbox.take(0)) == [4, 2, 3]


def test_put_first_never_goes_ahead_of_the_first_frame():
    """That one begins with the setup."""
    outbox = Outbox()
    outbox.put((envelope(1), None))
    outbox.put_first(envelope(2))
    assert ids(outbox.take(0)) == [1, 2]
