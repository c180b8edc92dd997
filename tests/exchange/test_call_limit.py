"""How many calls one connection may have answered at once, and how many may come to nothing."""

import asyncio
import logging

import pytest

import facade
from facade import Status
from facade.exchange import patience as patience_module
from facade.exchange.connection import Settings
from facade.exchange.patience import LONGEST_PAUSE, SAVED, SLOWED, Patience


async def test_limit_is_told_in_setup(provider, envelope):
    """Peers learn how many calls are answered at once."""
    _, hand = provider(max_calls=7)
    await hand.send(envelope.setup())
    assert (await hand.receive()).setup.max_calls == 7


async def test_call_beyond_the_limit_is_refused_at_once(joined, envelope, work):
    """It gets an error that names the limit and its value, and is not executed; a place is free
    again when a call has ended."""
    _, hand = await joined(max_calls=2)
    await hand.send(*(envelope.invocation(id, "work") for id in (1, 3, 5)))
    refused = await hand.receive()
    assert refused.id == 5
    error = refused.result.error
    assert (error.status, error.code) == (Status.RESOURCE_EXHAUSTED, facade.Code.LIMIT_EXCEEDED)
    assert "max_calls" in error.message
    assert "2 calls" in error.message
    assert error.execution == 1  # NOT_STARTED
    work.released.set()
    assert {(await hand.receive()).id, (await hand.receive()).id} == {1, 3}
    await hand.send(envelope.invocation(7))
    assert (await hand.receive()).id == 7


async def test_oneway_call_beyond_the_limit(joined, envelope, work, caplog):
    """Nobody is told, but the log, and the count of failures."""
    work.oneway_failures = 0
    _, hand = await joined(max_calls=1)
    beyond = envelope.invocation(3)
    beyond.invocation.oneway = True
    with caplog.at_level(logging.WARNING):
        await hand.send(envelope.invocation(1, "work"), beyond, envelope.invocation(5))
        assert (await hand.receive()).id == 5
    assert work.oneway_failures == 1
    assert "max_calls" in caplog.text


async def test_cancelled_call_keeps_its_place_until_it_has_ended(joined, envelope, work):
    """Who cancels has no more calls at once than who does not."""
    ended = asyncio.Event()

    async def stubborn():
        try:
            await asyncio.Event().wait()
        finally:
            work.cancelled.set()
            await ended.wait()

    work.work = stubborn
    connection, hand = await joined(max_calls=1)
    await hand.send(envelope.invocation(1, "work"))
    await hand.send(envelope.empty("cancel", id=1))
    await work.cancelled.wait()
    await hand.send(envelope.invocation(3))
    assert (await hand.receive()).result.error.status == Status.RESOURCE_EXHAUSTED
    ended.set()
    while connection.answers:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0)
    await hand.send(envelope.invocation(5))
    assert (await hand.receive()).result.msgpack


async def test_call_and_its_cancel_in_one_frame(joined, envelope, work):
    """It is never begun, and leaves nothing."""
    connection, hand = await joined()
    await hand.send(
        envelope.invocation(1, "work"), envelope.empty("cancel", id=1), envelope.invocation(3)
    )
    assert (await hand.receive()).id == 3
    assert not work.started.is_set()
    assert not connection.answers


async def test_peer_whose_calls_come_to_nothing_is_slowed_down_and_ended(
    joined, envelope, monkeypatch
):
    """With a status that says why, and which setting it was."""
    monkeypatch.setattr(patience_module, "SLOWED", 0.05)
    _, hand = await joined(max_cancels=100)
    pairs = [
        each
        for id in range(1, 4001, 2)
        for each in (envelope.invocation(id, "work"), envelope.empty("cancel", id=id))
    ]
    await hand.send(*pairs)
    error = await hand.error()
    assert error.status is Status.RESOURCE_EXHAUSTED
    assert error.code is facade.Code.LIMIT_EXCEEDED
    assert "max_cancels" in error.message
    assert "100 calls a second" in error.message


async def test_any_number_where_there_is_no_limit(joined, envelope, work):
    """0 is for that."""
    _, hand = await joined(max_calls=0, max_cancels=0)
    ids = range(1, 1_001, 2)
    await hand.send(*(envelope.invocation(id, "work") for id in ids))
    await hand.send(*(envelope.empty("cancel", id=id) for id in ids))
    await hand.send(envelope.invocation(1_001))
    assert (await hand.receive()).id == 1_001


@pytest.mark.parametrize("name", ["max_calls", "max_cancels"])
@pytest.mark.parametrize("value", [-1, 1.5, True, None])
def test_wrong_numbers(name, value):
    """They are told when the settings are made."""
    with pytest.raises(ValueError, match=f"{name}=.*0 for any number"):
        Settings(**{name: value})


# Patience


def test_patience_lets_a_burst_pass():
    """Ten seconds' worth at once does no harm."""
    patience = Patience(100)
    assert not any(patience.spend(1000.0) for _ in range(int(100 * SAVED)))
    assert patience.spend(1000.0)
    assert patience.pause() == pytest.approx(0.01)


def test_patience_without_end():
    """For 0 a second nobody is slowed down."""
    patience = Patience(0)
    assert not any(patience.spend(0.0) for _ in range(100_000))


def test_patience_with_even_use_below_the_rate():
    """It never runs out."""
    patience = Patience(100)
    assert not any(patience.spend(1000 + second / 99) for second in range(100_000))


def test_pace_of_who_is_slowed_down():
    """Whoever pauses as told has no more than the rate, until he is given up."""
    patience, now, spent = Patience(100), 0.0, 0
    while not patience.lost:
        spent += 1
        if patience.spend(now):
            assert 0 < patience.pause() <= LONGEST_PAUSE
            now += patience.pause()
    assert now == pytest.approx(SLOWED, abs=0.1)
    assert spent <= 100 * (SAVED + SLOWED) + 2


def test_patience_comes_back():
    """Who was slowed down for a while, and then is not, may have his burst again."""
    patience = Patience(100)
    for _ in range(1500):
        patience.spend(0.0)
    assert not patience.spend(1000.0)
    for _ in range(1500):
        patience.spend(1000.0)
    assert not patience.lost
