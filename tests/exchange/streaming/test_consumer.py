"""The consumer's end of calls with streams, with the provider's end written by hand."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest

import facade
from facade import Status
from facade.codec import decode_plain, encode_plain
from facade.exchange.envelope import Envelope
from facade.exchange.items import WINDOW_ITEMS
from tests.exchange.streaming.envelopes import Streamer, credit, item, receive


@facade.service("exchange.Worker")
class Worker:
    async def echo(self, text: str) -> str: ...


async def generate(*values):
    for value in values:
        yield value


async def _open(stream):
    await stream


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
