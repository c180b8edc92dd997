"""The flow of one stream, without any wire."""

import asyncio
import gc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facade.exchange.items import WINDOW_BYTES, WINDOW_ITEMS, Credit, Inbox, ItemStream, pour


class Other:
    """The other end of an inbox: what it was granted, and whether its reader left."""

    def __init__(self):
        self.items = self.bytes = 0
        self.left = 0

    def grant(self, items, bytes):
        self.items += items
        self.bytes += bytes

    def leave(self):
        self.left += 1

    @property
    def may_send(self):
        return self.items > 0 and self.bytes > 0

    def send(self, inbox, value, size=1):
        self.items -= 1
        self.bytes -= size
        inbox.put(("msgpack", value), size)


@pytest.fixture
def other():
    return Other()


def open_inbox(other):
    inbox = Inbox(lambda payload: payload[1], other.grant, other.leave)
    inbox.open()
    return inbox


# Credit


async def test_nothing_is_sent_without_credit():
    """Neither without values nor without bytes, and one that waits goes on when both came."""
    credit = Credit()
    assert not credit.left
    waiting = asyncio.create_task(credit.wait())
    credit.grant(1, 10)
    await waiting
    credit.spend(10)
    credit.grant(5, 1)
    assert credit.left
    credit.spend(1)
    assert not credit.left


async def test_bytes_that_are_not_told_are_as_many_as_the_values_take():
    """A sender that counts values alone leaves bytes out."""
    credit = Credit()
    credit.grant(2, 0)
    credit.spend(1 << 40)
    assert credit.left
    credit.spend(1)
    assert not credit.left


# Inbox


async def test_value_that_was_not_granted(other):
    """It is an error: one value more than there is credit for."""
    inbox = open_inbox(other)
    for number in range(WINDOW_ITEMS):
        other.send(inbox, number)
    with pytest.raises(ValueError, match="more values of a stream than there was credit for"):
        other.send(inbox, 0)


async def test_large_values_use_up_the_bytes(other):
    """One may be longer than the window, the next one then waits for credit."""
    inbox = open_inbox(other)
    other.send(inbox, "large", 2 * WINDOW_BYTES)
    assert not other.may_send
    with pytest.raises(ValueError, match="credit"):
        inbox.put(("msgpack", "more"), 1)
    await inbox.take()
    assert other.may_send


async def test_what_lies_there_is_read_before_the_error(other):
    """The end comes after the values before it, and an error is raised once."""
    inbox = open_inbox(other)
    other.send(inbox, 1)
    inbox.end(KeyError("broke"))
    inbox.end(KeyError("again"))
    stream = ItemStream(inbox)
    assert await anext(stream) == 1
    with pytest.raises(KeyError, match="broke"):
        await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_reader_that_waits_is_woken_by_the_end(other):
    """He is not left waiting."""
    inbox = open_inbox(other)
    waiting = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)
    inbox.end()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_reader_that_is_cancelled_loses_nothing(other):
    """He may come back for the value that came meanwhile."""
    inbox = open_inbox(other)
    stream = ItemStream(inbox)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 0)
    other.send(inbox, 1)
    assert await anext(stream) == 1
    assert other.left == 0


async def test_two_readers(other):
    """The second is told, and the first gets the value."""
    inbox = open_inbox(other)
    first = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="two readers of one stream"):
        await inbox.take()
    other.send(inbox, 1)
    assert await first == ("msgpack", 1)


async def test_abandoned_stream(other):
    """Its sender is told once; what still comes is dropped, and nothing more is granted."""
    inbox = open_inbox(other)
    stream = ItemStream(inbox)
    other.send(inbox, 1)
    await stream.aclose()
    await stream.aclose()
    granted = other.items
    while other.may_send:
        other.send(inbox, 2)
    assert (other.left, len(inbox), granted) == (1, 0, WINDOW_ITEMS - 1)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_stream_that_nobody_holds(other):
    """Letting go of it is leaving it."""
    stream = ItemStream(open_inbox(other))
    del stream
    gc.collect()
    await asyncio.sleep(0)
    assert other.left == 1


async def test_value_that_can_not_be_decoded_ends_the_stream(other):
    """Its reader has the error, and its sender is told to stop."""

    def decode(payload):
        raise TypeError("no int")

    inbox = Inbox(decode, other.grant, other.leave)
    inbox.open()
    other.send(inbox, 1)
    stream = ItemStream(inbox)
    with pytest.raises(TypeError, match="no int"):
        await anext(stream)
    assert other.left == 1


actions = st.lists(
    st.sampled_from(["put", "put", "put", "large", "take", "take", "cancel"]), max_size=120
)


@given(actions, st.sampled_from(["end", "error", "abandon"]), st.integers(0, 120))
@settings(max_examples=150, deadline=None)
def test_any_order_of_puts_and_takes(actions, end, when):
    """Nothing is lost, nothing comes twice, order is kept; no more lies there than the window
    and one value; and nobody waits after the end."""
    asyncio.run(_check(actions, end, when))


async def _check(actions, end, when):
    other = Other()
    inbox = open_inbox(other)
    sent, received, readers = 0, [], []
    sizes = {"put": WINDOW_BYTES // 50, "large": WINDOW_BYTES // 3}
    for step, action in enumerate([*actions, *["take"] * 3]):
        if step == when:
            break
        if action in sizes and other.may_send:
            other.send(inbox, sent, sizes[action])
            sent += 1
            held = [size for _, size in inbox._waiting]
            assert sum(held[:-1]) <= WINDOW_BYTES
            assert len(held) <= WINDOW_ITEMS
        elif action == "take" and all(reader.done() for reader in readers):
            readers.append(asyncio.create_task(inbox.take()))
        elif action == "cancel" and readers:
            readers[-1].cancel()
        for _ in range(3):
            await asyncio.sleep(0)
    waiting = len(inbox)
    if end == "abandon":
        inbox.abandon()
    else:
        inbox.end(KeyError() if end == "error" else None)
    done = await asyncio.wait_for(asyncio.gather(*readers, return_exceptions=True), 10)
    received = [value[1] for value in done if isinstance(value, tuple)]
    assert received == list(range(len(received)))
    if end != "abandon":
        assert len(received) + waiting == sent
        for number in range(len(received), sent):
            assert await inbox.take() == ("msgpack", number)
    with pytest.raises(KeyError if end == "error" and not _raised(done) else StopAsyncIteration):
        await inbox.take()


def _raised(outcomes):
    return any(isinstance(outcome, KeyError) for outcome in outcomes)


# Pour


async def numbers(count, closed):
    try:
        for number in range(count):
            yield number
    finally:
        closed.append(True)


@given(st.lists(st.integers(1, 40), max_size=12), st.integers(0, 200))
@settings(max_examples=80, deadline=None)
def test_pour_sends_as_much_as_was_granted(grants, count):
    """And asks its stream for no value before it may send it."""

    async def run():
        credit, sent, closed = Credit(), [], []
        stream = numbers(count, closed)
        pouring = asyncio.create_task(pour(stream, credit, lambda v: sent.append(v) or 1))
        for items in grants:
            credit.grant(items, 0)
            for _ in range(8):
                await asyncio.sleep(0)
        allowed = min(sum(grants), count)
        assert sent == list(range(allowed))
        credit.grant(1000, 0)
        assert await pouring is None
        assert sent == list(range(count))
        assert closed

    asyncio.run(run())


async def test_pour_gives_what_the_stream_raised():
    """And raises what sending raises; the stream is closed in both cases."""
    closed = []

    async def broken():
        try:
            yield 1
            raise SystemExit("not of the whole process")
        finally:
            closed.append(True)

    credit = Credit()
    credit.grant(10, 0)
    assert isinstance(await pour(broken(), credit, lambda value: 1), SystemExit)

    def refuse(value):
        raise ValueError("too large")

    with pytest.raises(ValueError, match="too large"):
        await pour(numbers(3, closed), credit, refuse)
    assert len(closed) == 2


async def test_stream_that_nobody_asked_for_can_be_sent_again():
    """One that is cancelled before its first value is left as it was."""
    closed = []
    stream = numbers(2, closed)
    pouring = asyncio.create_task(pour(stream, Credit(), lambda value: 1))
    await asyncio.sleep(0)
    pouring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pouring
    assert [value async for value in stream] == [0, 1]


async def test_error_that_is_empty():
    """One whose truth is false is raised as any other."""

    class Findings(Exception):
        def __len__(self):
            return 0

    inbox = Inbox(lambda payload: payload, lambda *_: None, lambda: None)
    inbox.end(Findings())
    with pytest.raises(Findings):
        await inbox.take()
