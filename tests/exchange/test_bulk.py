"""Large envelopes in chunks: how they are cut, sent and put together, without I/O."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facade.exchange.assembly import AT_ONCE, Assembly
from facade.exchange.bulk import FIRST, LARGE, NARROWEST, SMALLEST, TARGET, WIDEST, Bulk, Large
from facade.exchange.envelope import Envelope, Frame


class Call:
    def __init__(self):
        self.dropped = False
        self.sent_at = None


def invocation(id, size):
    envelope = Envelope(id=id)
    envelope.invocation.raw = b"x" * size
    return envelope.SerializeToString()


def parsed(pieces):
    return list(Frame.FromString(b"".join(pieces)).envelopes)


def take_all(bulk, now=0.0):
    """All that may go, each chunk acknowledged at once."""
    while taken := parsed(bulk.take(now)):
        yield taken[0]
        if len(taken) > 1:
            bulk.acknowledge(taken[1].ping.nonce, now)


@given(st.lists(st.integers(1, 3 * LARGE), min_size=1, max_size=6), st.randoms())
def test_what_is_cut_is_put_together(sizes, random):
    """Envelopes of any size, sent at the same time, arrive whole, and each transfer has turns."""
    bulk, assembly = Bulk(), Assembly(4 * LARGE)
    sent = {id: invocation(id, size) for id, size in enumerate(sizes, 1)}
    arrived = {}

    def receive(envelope):
        if envelope.id not in assembly:
            assembly.begin(envelope.id, envelope.chunk)
        whole = assembly.add(envelope.id, envelope.chunk)
        if whole is not None:
            arrived[envelope.id] = len(whole.invocation.raw)

    for id, data in sent.items():
        cut = random.choice([0, 20, 2 * FIRST])
        large = Large(id, data[:cut], data[cut:], None, bulk)
        receive(Envelope.FromString(large.first()))
        if not large.done:
            large.sent_at = 0.0
    for envelope in take_all(bulk):
        receive(envelope)
    assert arrived == dict(enumerate(sizes, 1))
    assert len(assembly) == 0
    assert len(bulk) == 0


def started(bulk, size=10 * LARGE, call=None, id=1):
    large = Large(id, b"", invocation(id, size), call, bulk)
    large.first()
    large.sent_at = 0.0
    return large


def test_first_chunk_stamps_the_call():
    """The call counts as sent when its first chunk goes."""
    call = Call()
    started(Bulk(), call=call)
    assert call.sent_at == 0.0


def test_no_more_than_the_window_is_under_way():
    """Without a word from the other end, the lane stops."""
    bulk = Bulk()
    started(bulk)
    chunks = 0
    while bulk.ready:
        bulk.take(0.0)
        chunks += 1
    assert NARROWEST / SMALLEST <= chunks <= NARROWEST / SMALLEST + 1
    assert len(bulk) == 1


def test_fast_link_opens_the_window():
    """Where nothing queues, more and more may be under way."""
    bulk = Bulk()
    started(bulk, size=64 * LARGE)
    for _ in take_all(bulk):
        pass
    assert bulk.window > 16 * NARROWEST
    assert bulk.window <= WIDEST


def test_slow_link_keeps_it_narrow():
    """A link of 1 MB/s with 20 ms there and back: what queues on it stays below some hundredths
    of a second, and it is never idle."""
    rate, distance = 1_000_000, 0.02
    bulk, now, free_at, pongs = Bulk(), 0.0, 0.0, []
    started(bulk, size=5_000_000)
    queued, idle = [], 0.0
    while bulk or pongs:
        while bulk.ready:
            taken = bulk.take(now)
            size, ping = sum(map(len, taken)), parsed(taken)[1]
            if now > free_at and queued:
                idle += now - free_at
            free_at = max(now, free_at) + size / rate
            queued.append(free_at - now)
            pongs.append((free_at + distance, ping.ping.nonce))
        at, nonce = pongs.pop(0)
        now = at
        bulk.acknowledge(nonce, now)
    assert sorted(queued)[int(0.99 * len(queued))] < 0.1
    assert idle < 0.05 * now
    assert now == pytest.approx(5_000_000 / rate, rel=0.1)


def test_dropped_call_takes_its_chunks_along():
    """Who gives up in the middle sends no more of it, and the other end may forget what it has."""
    bulk, call = Bulk(), Call()
    started(bulk, call=call)
    bulk.take(0.0)
    call.dropped = True
    (envelope,) = parsed(bulk.take(0.0))
    assert (envelope.id, envelope.WhichOneof("kind")) == (1, "cancel")
    assert len(bulk) == 0


def test_foreign_pong():
    """That of the heartbeat acknowledges nothing."""
    bulk = Bulk()
    started(bulk)
    while bulk.ready:
        bulk.take(0.0)
    bulk.acknowledge(10**9, TARGET)
    assert not bulk.ready


# The other end


def chunk(data=b"", total=0, last=False):
    envelope = Envelope()
    envelope.chunk.data, envelope.chunk.total_bytes, envelope.chunk.last = data, total, last
    return envelope.chunk


@pytest.mark.parametrize("total", [0, 1001])
def test_size_that_is_not_taken(total):
    """What is announced as too large, or as nothing, is refused before anything of it is kept."""
    assembly = Assembly(1000)
    with pytest.raises(ValueError, match="max_message_size"):
        assembly.begin(1, chunk(total=total))
    assert len(assembly) == 0


def test_too_many_at_once():
    """What one peer has unfinished here is bounded."""
    assembly = Assembly(1000)
    for id in range(AT_ONCE):
        assembly.begin(id, chunk(total=1000))
    with pytest.raises(ValueError, match="unfinished"):
        assembly.begin(99, chunk(total=1))


@pytest.mark.parametrize(
    "wrong", [chunk(b"12345"), chunk(b"123", last=True), chunk(b"\xff" * 4, last=True)]
)
def test_chunks_that_do_not_fit(wrong):
    """More than was announced, less than that, or no envelope: an error, which ends the stream."""
    assembly = Assembly(1000)
    assembly.begin(1, chunk(total=4))
    with pytest.raises(ValueError, match=r"announced|not a"):
        assembly.add(1, wrong)


# Both ends


def test_no_more_is_begun_than_the_peer_keeps():
    """What would be too much at once goes whole, so that the peer need not end the stream."""
    bulk, assembly = Bulk(), Assembly(2 * LARGE)
    bulk.limit(LARGE, AT_ONCE * 2 * LARGE)
    waiting, whole = [], 0
    for id in range(1, 2 * AT_ONCE):
        data, large = bulk.cut(id, b"", invocation(id, 2 * LARGE - 100), None)
        waiting.append(large)
        whole += large is None
        if large is not None:
            assembly.begin(id, Envelope.FromString(data).chunk)
    assert whole
    while waiting:
        if (large := waiting.pop()) is not None:
            large.sent_at = 0.0
    del large
    for _ in take_all(bulk):
        pass
    assert bulk.cut(99, b"", invocation(99, 2 * LARGE), None)[1] is not None


@pytest.mark.parametrize("begun", [True, False])
def test_what_was_taken_back_makes_room(begun):
    """Whether the call that was given up had begun to go, or not."""
    bulk, call = Bulk(), Call()
    bulk.limit(LARGE, 3 * LARGE)
    large = bulk.cut(1, b"", invocation(1, 2 * LARGE), call)[1]
    assert not isinstance(bulk.cut(3, b"", invocation(3, 2 * LARGE), Call())[1], Large)
    call.dropped = True
    if begun:
        large.sent_at = 0.0
        bulk.take(0.0)
    del large
    assert isinstance(bulk.cut(5, b"", invocation(5, 2 * LARGE), Call())[1], Large)
