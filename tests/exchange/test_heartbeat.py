"""Pings, pongs, and an end that is silent."""

import asyncio
import time

import pytest

import facade
from facade import Status


async def test_ping_is_answered(joined, envelope):
    """By a pong with its nonce."""
    _, hand = await joined()
    ping = envelope.empty("ping")
    ping.ping.nonce = 12345
    await hand.send(ping)
    assert (await hand.receive()).pong.nonce == 12345


async def test_ping_is_answered_beside_a_running_call(joined, envelope, work):
    """A method that takes its time does not make its provider look dead."""
    _, hand = await joined()
    await hand.send(envelope.invocation(1, "work"))
    await work.started.wait()
    await hand.send(envelope.empty("ping"))
    assert (await hand.receive()).WhichOneof("kind") == "pong"
    work.released.set()
    assert (await hand.receive()).id == 1


async def test_silent_consumer_is_given_up(provider, envelope, work):
    """One that does not answer a ping is hung up on, and what it called is cancelled."""
    connection, hand = provider(heartbeat=0.05, heartbeat_timeout=0.05)
    await hand.send(envelope.setup(), envelope.invocation(1, "work"))
    assert (await hand.receive()).WhichOneof("kind") == "setup"
    assert (await hand.receive()).WhichOneof("kind") == "ping"
    error = await hand.error()
    assert error.status is Status.UNAVAILABLE
    assert "silent" in error.message
    await work.cancelled.wait()
    assert connection.error is not None


async def test_silent_provider_is_given_up(consumer):
    """Its calls fail, long before their own timeout, and say why."""
    _, worker, transport = consumer(heartbeat=0.05, heartbeat_timeout=0.05, timeout=1000)
    call = worker.work.future()
    hand = await transport.accept()
    await hand.receive()
    with pytest.raises(facade.Unavailable, match="silent") as raised:
        await call
    assert raised.value.sent is facade.Sent.MAYBE_EXECUTED


async def test_consumer_that_answers_pings_is_kept(joined, envelope):
    """One ping after the other is sent, and the connection stays."""
    connection, hand = await joined(heartbeat=0.02, heartbeat_timeout=1)
    for _ in range(2):
        ping = await hand.receive()
        pong = envelope.empty("pong")
        pong.pong.nonce = ping.ping.nonce
        await hand.send(pong)
    await hand.send(envelope.invocation(1))
    kinds = {(await hand.receive()).WhichOneof("kind")}
    while "result" not in kinds:
        kinds.add((await hand.receive()).WhichOneof("kind"))
    assert not connection.closed.is_set()


async def test_peer_is_not_given_up_for_a_blocked_loop(joined, envelope):
    """While our own loop is blocked nothing can be heard: what was said then still counts."""
    connection, hand = await joined(heartbeat=0.05, heartbeat_timeout=0.4)
    assert (await hand.receive()).WhichOneof("kind") == "ping"
    for blocked in (0.3, 0.6):
        time.sleep(blocked)  # noqa: ASYNC251 - that is what it is about
        await asyncio.sleep(0)
    await hand.send(envelope.empty("pong"))
    assert (await hand.receive()).WhichOneof("kind") == "ping"
    assert not connection.closed.is_set()
