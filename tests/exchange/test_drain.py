"""A stream that takes no more calls, and ends when those on it have."""

import asyncio

from facade import Status
from facade.codec import decode_plain
from facade.exchange.connection import Connection, Settings
from facade.exchange.memory import pair


async def test_drain_lets_running_calls_end(joined, envelope, work):
    """What runs is answered; then the stream ends, and it is no error."""
    connection, hand = await joined()
    await hand.send(envelope.invocation(1, "work"))
    await work.started.wait()
    draining = asyncio.create_task(connection.drain("the provider stops", grace=20))
    drain = await hand.receive()
    assert drain.drain.reason == "the provider stops"
    assert not connection.usable
    await hand.send(envelope.empty("drain"))
    work.released.set()
    assert (await hand.receive()).id == 1
    assert await hand.receive() is None
    await draining
    assert connection.error is None


async def test_call_that_crosses_a_drain(joined, envelope):
    """What was sent before the other end answered the drain is served."""
    connection, hand = await joined()
    draining = asyncio.create_task(connection.drain("the provider stops", grace=20))
    assert (await hand.receive()).WhichOneof("kind") == "drain"
    await hand.send(envelope.invocation(1), envelope.empty("drain"))
    assert decode_plain((await hand.receive()).result.msgpack) == "hi"
    assert await hand.receive() is None
    await draining


async def test_drain_of_an_idle_stream(joined, envelope):
    """It ends as soon as the other end agrees, however long the grace is."""
    connection, hand = await joined()
    draining = asyncio.create_task(connection.drain("the provider stops", grace=3600))
    assert (await hand.receive()).WhichOneof("kind") == "drain"
    await hand.send(envelope.empty("drain"))
    assert await hand.receive() is None
    await draining


async def test_call_beyond_the_grace(joined, envelope, work):
    """It is cancelled and told so: once, with the reason."""
    connection, hand = await joined()
    await hand.send(envelope.invocation(1, "work"))
    await work.started.wait()
    draining = asyncio.create_task(connection.drain("the provider stops", grace=0.05))
    assert (await hand.receive()).WhichOneof("kind") == "drain"
    error = (await hand.receive()).result.error
    assert error.status == Status.UNAVAILABLE
    assert "the provider stops" in error.message
    assert "0.05 s" in error.message
    assert work.cancelled.is_set()
    assert (await hand.error()).status is Status.UNAVAILABLE
    await draining


async def test_new_calls_avoid_a_stream_that_drains(consumer, envelope):
    """They go over another one, while those on it end; then the consumer ends it in peace."""
    _, worker, transport = consumer()
    running = worker.work.future()
    first = await transport.accept()
    id = (await first.receive()).id
    await first.send(envelope.empty("drain"))
    assert (await first.receive()).WhichOneof("kind") == "drain"
    call = worker.echo.future("b")
    second = await transport.accept()
    await second.send(envelope.result((await second.receive()).id, "b"))
    assert await call == "b"
    assert not running.done()
    await first.send(envelope.result(id, "done"))
    assert await running == "done"
    assert await first.receive() is None


async def test_both_ends_of_a_drain_end_without_error(work):
    """Two connections of ours: either may begin, and neither ends with an error."""
    for drains_first in (0, 1):
        ours, theirs = pair()
        consumer = Connection(ours, Settings(), work, opened=True)
        provider = Connection(theirs, Settings(), work, opened=False)
        ends = [asyncio.create_task(end.run()) for end in (consumer, provider)]
        await asyncio.gather(consumer.ready, provider.ready)
        await (consumer, provider)[drains_first].drain("time to go", grace=20)
        await asyncio.gather(*ends)
        assert (consumer.error, provider.error) == (None, None)


async def test_close_of_the_client_drains(consumer, envelope):
    """It lets its call end, then ends the stream."""
    client, worker, transport = consumer()
    call = worker.work.future()
    hand = await transport.accept()
    id = (await hand.receive()).id
    closing = asyncio.create_task(client.close(grace=20))
    assert (await hand.receive()).WhichOneof("kind") == "drain"
    await hand.send(envelope.empty("drain"), envelope.result(id, "done"))
    assert await call == "done"
    assert await hand.receive() is None
    hand.stream.close()
    await closing


async def test_drain_before_setup(provider):
    """A stream that is still being set up ends at once, and its opener is told why: nothing may
    be said before the setup."""
    connection, hand = provider()
    await connection.drain("the provider stops", grace=20)
    error = await hand.error()
    assert error.status is Status.UNAVAILABLE
    assert "the provider stops" in error.message
    assert connection.closed.is_set()
