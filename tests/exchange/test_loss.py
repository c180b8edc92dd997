"""What becomes of calls when their connection is lost."""

import asyncio

import pytest

import facade
from facade import Status
from facade.codec import RAW
from facade.core.invocation import Invocation
from facade.exchange.bulk import LARGE
from facade.exchange.connection import TURN, Connection, Settings
from facade.exchange.memory import pair
from facade.exchange.multiplexer import Multiplexer


async def test_connection_lost_with_calls_in_flight(consumer, calls_under_way):
    """Each fails, and says whether it may have been executed."""
    client, worker, transport = consumer(wait_for_ready=False)
    ready = asyncio.create_task(client.ready(20))
    hand = await transport.accept()
    await ready
    sent = worker.echo.future("sent")
    await hand.receive()
    transport.gate.clear()
    held = worker.echo.future("held")
    await transport.held.wait()
    waiting = worker.work.future()
    await calls_under_way(client, 3)
    hand.stream.close()
    errors = await asyncio.gather(sent, held, waiting, return_exceptions=True)
    assert all(isinstance(error, facade.Unavailable) for error in errors)
    assert [error.sent for error in errors] == [
        facade.Sent.MAYBE_EXECUTED,
        facade.Sent.MAYBE_EXECUTED,  # it had left the box
        facade.Sent.NOT_SENT,
    ]
    assert "exchange.Worker.echo" in str(errors[0])
    assert "exchange.Worker.work" in str(errors[2])
    transport.gate.set()


async def test_answered_before_the_end(consumer, envelope):
    """A call that the provider answered before it ended the stream has that answer, though a
    write fails meanwhile."""
    _, worker, transport = consumer(wait_for_ready=False)
    answered = worker.echo.future("a")
    hand = await transport.accept()
    id = (await hand.receive()).id
    transport.gate.clear()
    lost = worker.echo.future("b")
    await transport.held.wait()
    for _ in range(3):
        await hand.send(*(envelope.empty("ping") for _ in range(3 * TURN)))
    await hand.send(envelope.result(id, "a"))
    hand.stream.close()
    transport.gate.set()
    assert await answered == "a"
    with pytest.raises(facade.Unavailable) as caught:
        await lost
    assert caught.value.sent is facade.Sent.MAYBE_EXECUTED


async def test_call_after_the_connection_was_lost(consumer, envelope):
    """It opens another one."""
    _, worker, transport = consumer()
    lost = worker.echo.future("a")
    hand = await transport.accept()
    await hand.receive()
    hand.stream.close()
    with pytest.raises(facade.Unavailable):
        await lost
    call = worker.echo.future("b")
    hand = await transport.accept()
    await hand.send(envelope.result((await hand.receive()).id, "b"))
    assert await call == "b"


async def test_error_of_the_provider_s_end(consumer):
    """What the provider ended the stream with is what its calls tell."""
    _, worker, transport = consumer()
    call = worker.echo.future("a")
    hand = await transport.accept()
    await hand.receive()
    hand.stream.close(facade.RpcError("too many envelopes", status=Status.INVALID_ARGUMENT))
    with pytest.raises(facade.Unavailable, match="too many envelopes"):
        await call


@pytest.mark.parametrize("size", [10, 2 * LARGE])
async def test_call_on_a_connection_that_has_just_ended(size):
    """It fails at once, was not sent, and is not told a second time when its time is up."""
    calls = Multiplexer(lambda *_: None, opened=True, remote_address="memory")
    calls.max_message_bytes, calls.whole_bytes = 4 * LARGE, LARGE
    calls.fail_all("the peer closed it", lambda message, sent: facade.Unavailable(message))
    invocation = Invocation("exchange.Worker", "echo", timeout=20.0)
    invocation.start_countdown()
    with pytest.raises(facade.Unavailable, match="nothing can be sent") as caught:
        calls.begin(invocation, (RAW, bytes(size)), calls.loop.create_future())
    assert caught.value.sent is facade.Sent.NOT_SENT
    assert len(calls) == 0


async def test_connection_that_is_cancelled_twice(work):
    """It ends all the same, and all who wait for that are told."""
    ours, _ = pair()
    connection = Connection(ours, Settings(), work, opened=True)
    running = asyncio.create_task(connection.run())
    await asyncio.sleep(0)
    for _ in range(2):
        running.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert connection.closed.is_set()
    with pytest.raises(facade.Unavailable):
        await connection.ready
