"""What threads hand over to an event loop."""

import asyncio
import contextvars
import threading

import pytest

from facade.core.inbox import Inbox

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


async def test_many_wake_the_loop_once(monkeypatch):
    """All that gathers before the loop turns is taken in one go, in its order."""
    loop = asyncio.get_running_loop()
    wake_ups = []
    wake = loop.call_soon_threadsafe

    def count(*arguments, **keywords):
        wake_ups.append(arguments)
        return wake(*arguments, **keywords)

    monkeypatch.setattr(loop, "call_soon_threadsafe", count)
    taken: list[int] = []
    inbox = Inbox(loop, taken.append)
    for round in (1, 2):
        for number in range(100):
            inbox.put(number)
        assert len(wake_ups) == round
        await asyncio.sleep(0)
        assert taken == list(range(100)) * round


async def test_nothing_is_missed():
    """What many threads put in while the loop empties it is taken, each once."""
    taken: list[int] = []
    every = asyncio.Event()

    def take(number):
        taken.append(number)
        if len(taken) == 4000:
            every.set()

    inbox = Inbox(asyncio.get_running_loop(), take)

    def fill(start):
        for number in range(start, start + 1000):
            inbox.put(number)

    threads = [threading.Thread(target=fill, args=(n * 1000,)) for n in range(4)]
    for thread in threads:
        thread.start()
    await asyncio.wait_for(every.wait(), 30)
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert sorted(taken) == list(range(4000))


async def test_context_is_its_own():
    """What is taken does not run in the context of whoever put something in first."""
    seen: list[str] = []
    inbox = Inbox(asyncio.get_running_loop(), lambda _: seen.append(variable.get()))
    variable.set("the thread's")
    inbox.put(None)
    await asyncio.sleep(0)
    assert seen == ["unset"]


def test_closed_loop():
    """It says so."""
    loop = asyncio.new_event_loop()
    inbox = Inbox(loop, lambda _: None)
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        inbox.put(None)
    with pytest.raises(RuntimeError, match="closed"):
        inbox.put(None)
