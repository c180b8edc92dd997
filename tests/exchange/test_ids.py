"""The ids of calls: whose they are, that they rise, and what is for none."""

import asyncio

import pytest

from facade import Status


@pytest.mark.parametrize("id", [0, 2, 2**40])
async def test_even_id_of_the_consumer(joined, envelope, id):
    """Its ids are odd: another ends the stream."""
    _, hand = await joined()
    await hand.send(envelope.invocation(id))
    assert (await hand.error()).status is Status.INVALID_ARGUMENT


@pytest.mark.parametrize("id", [3, 1])
async def test_id_that_was_used(joined, envelope, id):
    """Ids rise: one again, or a lower one, ends the stream."""
    _, hand = await joined()
    await hand.send(envelope.invocation(3))
    assert (await hand.receive()).id == 3
    await hand.send(envelope.invocation(id))
    assert (await hand.error()).status is Status.INVALID_ARGUMENT


async def test_id_of_a_call_under_way(joined, envelope, work):
    """The same id twice in one frame ends the stream, and what the first one started."""
    _, hand = await joined()
    await hand.send(envelope.invocation(1, "work"))
    await work.started.wait()
    await hand.send(envelope.invocation(1, "work"))
    assert (await hand.error()).status is Status.INVALID_ARGUMENT
    await work.cancelled.wait()


async def test_ids_of_the_consumer(consumer, envelope):
    """They are odd, and rise, over oneway calls too."""
    _, worker, transport = consumer()
    calls = [worker.echo.future("a")]
    hand = await transport.accept()
    first = (await hand.receive()).id
    await worker.echo.oneway("b")
    second = (await hand.receive()).id
    calls.append(worker.echo.future("c"))
    third = (await hand.receive()).id
    await hand.send(envelope.result(first, "a"), envelope.result(third, "c"))
    assert await asyncio.gather(*calls) == ["a", "c"]
    assert (first, second, third) == (1, 3, 5)


async def test_result_for_an_unknown_id(consumer, envelope):
    """It is counted and dropped, and calls go on."""
    client, worker, transport = consumer()
    call = worker.echo.future("hi")
    hand = await transport.accept()
    id = (await hand.receive()).id
    await hand.send(
        envelope.result(77, "nobody's"), envelope.result(id, "hi"), envelope.result(id, "again")
    )
    assert await call == "hi"
    await hand.send(envelope.empty("ping"))
    assert (await hand.receive()).WhichOneof("kind") == "pong"  # so it has read them all
    assert client._wire.connector.current.calls.late == 2
