"""Calls with streams, with the other end written by hand."""

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

import facade
from facade import Status
from facade.codec import StreamCodec, decode_plain, encode_plain
from facade.exchange.envelope import Envelope
from facade.exchange.items import WINDOW_BYTES, WINDOW_ITEMS
from facade.service import describe
from facade.testing import FakeInvoker


@facade.service("exchange.Worker")
class Streamer:
    def upper(self, words: AsyncIterator[str]) -> AsyncIterator[str]: ...
    async def join(self, words: AsyncIterator[str]) -> str: ...
    def fill(self, size: int) -> AsyncIterator[bytes]: ...
    def stubborn(self) -> AsyncIterator[int]: ...


@facade.service("exchange.Worker")
class Worker:
    async def echo(self, text: str) -> str: ...


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


def call(id, method, *arguments):
    envelope = Envelope(id=id)
    envelope.invocation.service = "exchange.Worker"
    envelope.invocation.method = method
    envelope.invocation.msgpack = encode_plain(arguments)
    return envelope


def item(id, value=None, *, end=False, argument=0):
    envelope = Envelope(id=id)
    envelope.item.end = end
    envelope.item.argument = argument
    if value is not None:
        envelope.item.msgpack = encode_plain(value)
    return envelope


def credit(id, items=10, bytes=0, argument=0):
    envelope = Envelope(id=id)
    envelope.credit.argument = argument
    envelope.credit.items = items
    envelope.credit.bytes = bytes
    return envelope


async def receive(hand, kind):
    """The next envelope, which is of that kind."""
    envelope = await hand.receive()
    assert envelope is not None
    assert envelope.WhichOneof("kind") == kind, envelope
    return getattr(envelope, kind)


# The provider's end


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
    brief.invocation.time_left_us = 500_000
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


# The consumer's end


async def generate(*values):
    for value in values:
        yield value


@pytest.fixture
async def streamer(consumer):
    """A client's service, and the provider's end of its connection, once a call is made."""
    client, _, transport = consumer()

    async def accept(**facts):
        return await transport.accept(**{"features": ["items"], **facts})

    return client.refer(Streamer), accept, client


async def test_call_as_the_consumer_makes_it(streamer):
    """Null stands for the stream, credit follows at once, values when they may."""
    service, accept, client = streamer
    stream = service.upper(generate("a", "b"))
    waiting = asyncio.ensure_future(anext(stream))
    hand = await accept()
    sent = await receive(hand, "invocation")
    assert decode_plain(sent.msgpack) == [None]
    assert (await receive(hand, "credit")).items == WINDOW_ITEMS
    await hand.send(credit(1, 1, 100), item(1))
    assert decode_plain((await receive(hand, "item")).msgpack) == "a"
    await hand.send(item(1, "A"), credit(1, 5, 100))
    assert await waiting == "A"
    assert decode_plain((await receive(hand, "item")).msgpack) == "b"
    assert (await receive(hand, "item")).end
    result = Envelope(id=1)
    result.result.msgpack = encode_plain(None)
    result.result.attachments["sum"] = "1"
    await hand.send(result)
    assert [value async for value in stream] == []
    assert facade.RpcContext.response_attachments() == {"sum": "1"}
    assert len(client._wire.connector.current.calls) == 0


async def test_provider_without_streams(streamer):
    """An older one: the error says so, and that nothing was sent."""
    service, accept, _ = streamer
    call = asyncio.create_task(service.join(generate("a")))
    await accept(features=[])
    with pytest.raises(facade.Unimplemented, match="does not know them: it is an older") as caught:
        await call
    assert caught.value.sent is facade.Sent.NOT_SENT


async def test_result_in_the_middle(streamer):
    """It ends the call: the rest of the argument is not sent, and its generator is closed."""
    service, accept, client = streamer
    closed = asyncio.Event()

    async def words():
        try:
            while True:
                yield "a"
        finally:
            closed.set()

    call = asyncio.create_task(service.join(words()))
    hand = await accept()
    await receive(hand, "invocation")
    await hand.send(credit(1, 2))
    await receive(hand, "item")
    result = Envelope(id=1)
    result.result.msgpack = encode_plain("enough")
    await hand.send(result)
    assert await call == "enough"
    await closed.wait()
    assert len(client._wire.connector.current.calls) == 0


@pytest.mark.parametrize("opened", [True, False])
async def test_connection_that_ends_in_the_middle(streamer, opened):
    """What came is read, and then the error says that it may have run."""
    service, accept, _ = streamer
    stream = service.upper(generate("a"))
    opening = asyncio.ensure_future(_open(stream))
    hand = await accept()
    await receive(hand, "invocation")
    if opened:
        await hand.send(item(1, "A"))
        await opening
        assert await anext(stream) == "A"
    await hand.stream.finish()
    with pytest.raises(facade.Unavailable) as caught:
        await (anext(stream) if opened else opening)
    assert caught.value.sent is facade.Sent.MAYBE_EXECUTED


async def _open(stream):
    await stream


async def test_value_beyond_what_the_consumer_granted(streamer):
    """It ends the connection, and with it the call."""
    service, accept, _ = streamer
    stream = service.upper(generate())
    opening = asyncio.ensure_future(_open(stream))
    hand = await accept()
    await receive(hand, "invocation")
    await hand.send(*(item(1, "A") for _ in range(WINDOW_ITEMS + 1)))
    await opening
    error = await hand.error()
    assert error.status is Status.INVALID_ARGUMENT
    with pytest.raises(facade.Unavailable, match="more values of a stream"):
        [value async for value in stream]


async def test_value_for_a_call_that_has_no_stream(streamer):
    """The interfaces differ: the call fails, and the provider is told; also of a plain call."""
    service, accept, client = streamer
    call = asyncio.create_task(service.join(generate()))
    hand = await accept()
    await receive(hand, "invocation")
    await hand.send(item(1, "A"))
    with pytest.raises(facade.InvalidArgument, match="has a stream at the provider where it has"):
        await call
    await receive(hand, "cancel")
    plain = asyncio.create_task(client.refer(Worker).echo("hi"))
    await receive(hand, "invocation")
    await hand.send(item(3))
    with pytest.raises(facade.InvalidArgument, match="has a stream at the provider where it has"):
        await plain
    await receive(hand, "cancel")


async def test_credit_for_no_argument_of_the_call(streamer):
    """It is passed over."""
    service, accept, _ = streamer
    call = asyncio.create_task(service.join(generate()))
    hand = await accept()
    await receive(hand, "invocation")
    await hand.send(credit(1, argument=9), credit(1))
    assert (await receive(hand, "item")).end
    result = Envelope(id=1)
    result.result.msgpack = encode_plain("done")
    await hand.send(result, item(1, "late"), credit(1))
    assert await call == "done"
    again = asyncio.create_task(service.join(generate()))
    await receive(hand, "invocation")
    again.cancel()
    with pytest.raises(asyncio.CancelledError):
        await again


async def test_value_of_an_argument_that_is_too_large(streamer):
    """It fails its call alone, and the provider is told to stop."""
    service, accept, client = streamer
    call = asyncio.create_task(service.join(generate("x" * 5000)))
    hand = await accept(max_message_bytes=2000)
    await receive(hand, "invocation")
    await hand.send(credit(1))
    with pytest.raises(facade.LimitExceeded, match="a value of a stream has 50"):
        await call
    await receive(hand, "cancel")
    assert client.available


async def test_call_that_is_taken_back_before_it_is_written(consumer):
    """Neither it nor its credit is sent."""
    client, _, transport = consumer()
    service = client.refer(Streamer)
    first = asyncio.create_task(service.join(generate()))
    hand = await transport.accept(features=["items"])
    await receive(hand, "invocation")
    transport.gate.clear()
    blocked = asyncio.create_task(service.join(generate()))
    await transport.held.wait()
    stream = service.upper(generate("a"))
    opening = asyncio.ensure_future(_open(stream))
    while len(client._wire.connector.current.calls) != 3:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    transport.gate.set()
    assert (await receive(hand, "invocation")).method == "join"
    first.cancel()
    assert (await hand.receive()).WhichOneof("kind") == "cancel"
    blocked.cancel()
    await asyncio.gather(first, blocked, return_exceptions=True)


async def test_stream_that_ends_when_its_reader_has_left(streamer, caplog):
    """That is how streams end: it is no late answer, which would be a warning."""
    service, accept, client = streamer
    stream = service.upper(generate())
    opening = asyncio.ensure_future(_open(stream))
    hand = await accept()
    await receive(hand, "invocation")
    await hand.send(item(1, "A"))
    await opening
    await stream.aclose()
    await receive(hand, "credit")
    await receive(hand, "cancel")
    result = Envelope(id=1)
    result.result.msgpack = encode_plain(None)
    await hand.send(result, item(1, "late"))
    call = asyncio.create_task(service.join(generate()))
    await receive(hand, "invocation")
    result.id = 3
    result.result.msgpack = encode_plain("done")
    await hand.send(result)
    assert await call == "done"
    assert (client.late_results, caplog.records) == (0, [])


async def test_answer_that_its_reader_can_t_read(consumer):
    """What a type of the user's raises fails the call, and nothing else on its connection."""

    @dataclasses.dataclass
    class Sum:
        value: int

        def __post_init__(self):
            raise KeyError("refused")

    @facade.service("exchange.Worker")
    class Adder:
        async def add(self, numbers: AsyncIterator[int]) -> Sum: ...

    client, worker, transport = consumer()
    call = asyncio.ensure_future(client.refer(Adder).add(generate(1)))
    hand = await transport.accept(features=["items"])
    await receive(hand, "invocation")
    other = worker.echo.future("hi")
    result = Envelope(id=1)
    result.result.msgpack = encode_plain({"value": 1})
    await hand.send(result)
    with pytest.raises(facade.RpcError, match="is not a Sum: KeyError: 'refused'"):
        await call
    result.id = 3
    result.result.msgpack = encode_plain("hi")
    await hand.send(result)
    assert await other == "hi"
