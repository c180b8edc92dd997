"""The provider's end of calls with streams, with the consumer's end written by hand."""

import asyncio
import logging
from types import SimpleNamespace

import pytest

import facade
from facade import Status
from facade.codec import StreamCodec, decode_plain
from facade.exchange.envelope import Envelope
from facade.exchange.items import WINDOW_BYTES, WINDOW_ITEMS
from facade.service import describe
from facade.testing import FakeInvoker
from tests.exchange.streaming.envelopes import Streamer, call, credit, item, receive


class Streams(Streamer):
    """What the provider exports."""

    def __init__(self):
        self.closed = asyncio.Event()
        self.error = None

    def find(self, invocation):
        method = describe(Streamer).methods[invocation.name]
        function = getattr(self, method.name)
        invoker = FakeInvoker(function=lambda invocation: function(*invocation.arguments))
        return SimpleNamespace(
            special=True, method=method, codec=StreamCodec(method), invoker=invoker
        )

    def upper(self, words):
        return self._upper(words)

    async def _upper(self, words):
        try:
            async for word in words:
                yield word.upper()
        except facade.RpcError as error:
            self.error = error
            raise
        finally:
            self.closed.set()

    async def join(self, words):
        return " ".join([word async for word in words])

    def fill(self, size):
        return self._fill(size)

    async def _fill(self, size):
        yield b""
        yield bytes(size)

    def stubborn(self):
        return self._stubborn()

    async def _stubborn(self):
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            raise KeyError("stubborn")


@pytest.fixture
def work():
    return Streams()


async def test_call_from_its_beginning_to_its_end(joined):
    """Credit for the argument, an item without a value as the stream opens, values as far as
    there is credit, and a result."""
    _, hand = await joined()
    await hand.send(call(1, "upper", None), credit(1, 1))
    leave = await receive(hand, "credit")
    assert (leave.argument, leave.items, leave.bytes) == (0, WINDOW_ITEMS, WINDOW_BYTES)
    opened = await receive(hand, "item")
    assert (opened.WhichOneof("value"), opened.end) == (None, False)
    await hand.send(item(1, "a"), item(1, "b"), item(1, end=True))
    assert decode_plain((await receive(hand, "item")).msgpack) == "A"
    await hand.send(credit(1, 5))
    assert decode_plain((await receive(hand, "item")).msgpack) == "B"
    result = await receive(hand, "result")
    assert result.WhichOneof("outcome") == "msgpack"


async def test_value_beyond_the_credit(joined):
    """It ends the connection, and the reason is told."""
    _, hand = await joined()
    await hand.send(call(1, "upper", None))
    await receive(hand, "credit")
    await hand.send(*(item(1, "a") for _ in range(WINDOW_ITEMS)))
    await hand.send(item(1, "a"))
    error = await hand.error()
    assert error.status is Status.INVALID_ARGUMENT
    assert "more values of a stream than there was credit for" in error.message


@pytest.mark.parametrize("argument", [1, 7])
async def test_value_for_an_argument_that_is_no_stream(joined, argument):
    """It ends the connection."""
    _, hand = await joined()
    await hand.send(call(1, "upper", None))
    await receive(hand, "credit")
    await hand.send(item(1, "a", argument=argument))
    error = await hand.error()
    assert error.status is Status.INVALID_ARGUMENT
    assert f"argument {argument} of call 1 is no stream" in error.message


async def test_what_comes_after_the_end_of_a_call(joined):
    """Values and credit that were on their way are passed over."""
    _, hand = await joined()
    await hand.send(call(1, "join", None))
    await receive(hand, "credit")
    await hand.send(item(1, "a"), item(1, end=True))
    assert decode_plain((await receive(hand, "result")).msgpack) == "a"
    await hand.send(item(1, "late"), credit(1), item(1, end=True), call(3, "join", None))
    await receive(hand, "credit")
    await hand.send(item(3, end=True))
    assert decode_plain((await receive(hand, "result")).msgpack) == ""


async def test_what_comes_after_a_cancel(joined, work):
    """It is passed over; the generator is closed, and nothing more is sent for the call."""
    connection, hand = await joined()
    await hand.send(call(1, "upper", None), credit(1))
    await receive(hand, "credit")
    await receive(hand, "item")
    cancel = Envelope(id=1)
    cancel.cancel.SetInParent()
    await hand.send(cancel, item(1, "late"), credit(1))
    await work.closed.wait()
    await hand.send(call(3, "join", None))
    envelope = await hand.receive()
    assert (envelope.id, envelope.WhichOneof("kind")) == (3, "credit")
    assert len(connection.answers) == 1
    assert list(connection.answers._channels) == [3]


async def test_stream_that_fails_as_it_is_closed(joined, caplog):
    """The log has it, and blames nobody else; the call ends as cancelled, or as out of time."""
    caplog.set_level(logging.WARNING, "facade")
    _, hand = await joined()
    await hand.send(call(1, "stubborn"), credit(1, 1))
    await receive(hand, "item")
    await receive(hand, "item")
    cancel = Envelope(id=1)
    cancel.cancel.SetInParent()
    brief = call(3, "stubborn")
    brief.invocation.time_left_us = 2_000_000
    await hand.send(cancel, brief, credit(3, 1))
    await receive(hand, "item")
    await receive(hand, "item")
    assert (await receive(hand, "result")).expired
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 2
    assert all("failed as it was closed: KeyError('stubborn')" in text for text in texts)


async def test_value_of_a_wrong_type(joined):
    """It is the caller's error, and the connection goes on."""
    _, hand = await joined()
    await hand.send(call(1, "join", None))
    await receive(hand, "credit")
    await hand.send(item(1, 5))
    result = await receive(hand, "result")
    assert result.error.status == Status.INVALID_ARGUMENT
    assert "a value of 'words' is not a str" in result.error.message


async def test_end_of_the_connection_in_the_middle(joined, work):
    """The generator is closed, and nothing is left."""
    connection, hand = await joined()
    await hand.send(call(1, "upper", None), credit(1))
    await receive(hand, "credit")
    await hand.stream.finish()
    await work.closed.wait()
    await connection.closed.wait()
    assert len(connection.answers) == 0


async def test_value_of_the_result_that_is_too_large(joined):
    """It fails its call alone."""
    _, hand = await joined(max_message_size=2000)
    await hand.send(call(1, "fill", 3000), credit(1))
    await receive(hand, "item")
    await receive(hand, "item")
    error = (await receive(hand, "result")).error
    assert error.status == Status.RESOURCE_EXHAUSTED
    assert "a value of the stream has 30" in error.message


async def test_credit_for_a_call_without_streams(joined):
    """It means nothing, and values for such a call are an error."""
    _, hand = await joined()
    await hand.send(call(1, "fill", 3), credit(1), item(1, "a"))
    assert (await hand.error()).status is Status.INVALID_ARGUMENT
