"""How a consumer runs callbacks."""

import asyncio
import threading

import pytest

import facade
from facade.consumer.callbacks import InThreads
from facade.testing import invocation


async def test_threads_have_a_queue_with_an_end():
    """What finds neither a thread nor a place to wait is refused; places become free again."""
    threads = InThreads(threads=1, queue=1)
    started, released = threading.Event(), threading.Event()

    def block():
        started.set()
        assert released.wait(30)
        return "done"

    runs = [asyncio.ensure_future(threads.run(block, invocation())) for _ in range(2)]
    await asyncio.to_thread(started.wait)
    with pytest.raises(facade.LimitExceeded, match="1 callbacks run at the consumer, and 1 wait"):
        await threads.run(block, invocation())
    released.set()
    assert await asyncio.gather(*runs) == ["done", "done"]
    assert await threads.run(block, invocation()) == "done"
    threads.close()


async def test_what_a_thread_gives():
    """A StopIteration, which no future can carry, does not hang it; a coroutine is run."""
    threads = InThreads()

    def stop():
        raise StopIteration(3)

    async def value():
        return threading.current_thread().name

    with pytest.raises(RuntimeError, match="StopIteration"):
        await threads.run(stop, invocation())
    assert (await threads.run(value, invocation())).startswith("facade-callback")
    threads.close()


def test_limit_is_a_number():
    """A negative limit is an error at once."""
    with pytest.raises(ValueError, match="callbacks=-1"):
        facade.AsyncClient("nowhere:1", callbacks=-1)
