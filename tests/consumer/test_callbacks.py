"""How a consumer runs callbacks."""

import asyncio
import threading
from collections.abc import Callable

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


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, BaseException])
async def test_callback_that_wants_to_end_the_process(error):
    """The provider is told, as of any other exception, and the consumer's client can be used on.
    Python gives the operator's KeyboardInterrupt to the main thread, and not to a callback."""

    @facade.service("callbacks.Ask")
    class Ask:
        async def ask(self, whom: Callable[[], str]) -> str: ...

    class Asks(Ask):
        async def ask(self, whom):
            try:
                return await whom()
            except Exception as raised:
                return str(raised)

    def end():
        raise error

    def ask(target):
        with facade.Client(target, timeout=30) as client:
            asking = client.refer(Ask)
            return asking.ask(end), asking.ask(lambda: "hi")

    server = facade.Server("127.0.0.1:0")
    server.export(Ask, Asks())
    async with server:
        said, after = await asyncio.to_thread(ask, f"127.0.0.1:{server.port}")
    assert error.__name__ in said
    assert after == "hi"


def test_limit_is_a_number():
    """A negative limit is an error at once."""
    with pytest.raises(ValueError, match="callbacks=-1"):
        facade.AsyncClient("nowhere:1", callbacks=-1)
