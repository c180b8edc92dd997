"""Envelopes of a kind that this end does not know, or does not serve."""

import pytest

import facade
from facade import Status
from facade.codec import decode_plain


async def test_unknown_kind_that_is_optional(joined, envelope):
    """It is passed over, for a call and for the stream, and what follows is served."""
    _, hand = await joined()
    await hand.send(
        envelope.unknown(0, optional=True),
        envelope.unknown(7, optional=True),
        envelope.invocation(9),
    )
    answer = await hand.receive()
    assert (answer.id, decode_plain(answer.result.msgpack)) == (9, "hi")


async def test_unknown_kind_for_a_call(joined, envelope):
    """It is answered with UNIMPLEMENTED under its id, and the stream goes on."""
    _, hand = await joined()
    await hand.send(envelope.unknown(7))
    answer = await hand.receive()
    assert (answer.id, answer.result.error.status) == (7, Status.UNIMPLEMENTED)
    await hand.send(envelope.invocation(9))
    assert decode_plain((await hand.receive()).result.msgpack) == "hi"


async def test_unknown_kind_for_the_stream(joined, envelope):
    """It ends the stream with UNIMPLEMENTED."""
    _, hand = await joined()
    await hand.send(envelope.unknown(0))
    assert (await hand.error()).status is Status.UNIMPLEMENTED


@pytest.mark.parametrize("kind", ["item", "credit"])
async def test_stream_of_no_call(joined, envelope, kind):
    """What belongs to a call that never was ends the stream, and the reason is told."""
    _, hand = await joined()
    await hand.send(envelope.empty(kind, id=7))
    error = await hand.error()
    assert error.status is Status.INVALID_ARGUMENT
    assert "7 is no call" in error.message


async def test_unknown_kind_for_a_call_of_the_consumer(consumer, envelope):
    """A provider that answers with what the consumer does not know fails that call alone."""
    _, worker, transport = consumer()
    first, second = worker.echo.future("a"), worker.echo.future("b")
    hand = await transport.accept()
    ids = [(await hand.receive()).id for _ in range(2)]
    await hand.send(envelope.unknown(ids[0]), envelope.result(ids[1], "b"))
    with pytest.raises(facade.Unimplemented):
        await first
    assert await second == "b"
