"""Threads for methods that are not async."""

import asyncio
import contextvars
import gc
import threading
import weakref

import pytest

from facade.core import LimitExceeded, Sent
from facade.provider.pool import ThreadPool

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


class Work:
    """A method that runs until it is released, and counts."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.released = threading.Event()
        self.ended = threading.Semaphore(0)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        self.started.release()
        try:
            assert self.released.wait(30)
            return "done"
        finally:
            self.ended.release()

    async def has_started(self) -> None:
        assert await asyncio.to_thread(self.started.acquire, timeout=30)


@pytest.fixture
def pool():
    """Makes pools, and closes them."""
    made = []

    def make(threads: int = 1, queue: int = 0) -> ThreadPool:
        made.append(ThreadPool(threads, queue))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def work():
    made = Work()
    yield made
    made.released.set()


def start(pool: ThreadPool, work: Work) -> asyncio.Task[str]:
    return asyncio.create_task(pool.run(work, (), None))


@pytest.fixture
async def full(pool, work):
    """A pool that takes no more: itself, the call that runs, and the one that waits."""
    single = pool(threads=1, queue=1)
    running = start(single, work)
    await work.has_started()
    queued = start(single, work)
    await asyncio.sleep(0)  # so it is in the queue
    return single, running, queued


async def test_value_and_arguments(pool):
    """The function is called with what was given, in a thread of the pool."""

    def function(a, b, *, c):
        return (a, b, c, threading.current_thread().name)

    value = await pool().run(function, (1, 2), {"c": 3})
    assert value[:3] == (1, 2, 3)
    assert value[3].startswith("facade-method")


async def test_exception(pool):
    """What the function raises is raised, and the thread is there for the next one."""
    single = pool()

    def function():
        raise ValueError("no")

    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            await single.run(function, (), None)


async def test_context(pool):
    """It runs in a copy of the caller's context: it sees it, and can't change it."""
    variable.set("the caller's")

    def function():
        seen = variable.get()
        variable.set("the thread's")
        return seen

    assert await pool().run(function, (), None) == "the caller's"
    assert variable.get() == "the caller's"


async def test_full_pool_refuses(pool, work):
    """It raises at once, tells its limits, and does not call the function."""
    single = pool(threads=1, queue=0)
    running = start(single, work)
    await work.has_started()
    with pytest.raises(LimitExceeded, match="pool size: 1, active: 1, queued: 0 of 0") as raised:
        await single.run(work, (), None)
    assert raised.value.sent is Sent.NOT_EXECUTED
    work.released.set()
    assert await running == "done"
    assert work.calls == 1


async def test_queue_is_served_in_turn(pool, work):
    """What waits in the queue runs when a thread is free; what finds it full is refused."""
    single = pool(threads=1, queue=2)
    tasks = [start(single, work) for _ in range(3)]
    await work.has_started()
    with pytest.raises(LimitExceeded):
        await single.run(work, (), None)
    work.released.set()
    assert await asyncio.gather(*tasks) == ["done"] * 3


async def test_workers_bring_each_other_in(pool):
    """Calls that wait for one another all run at once, as many as there are threads."""
    together = threading.Barrier(4)
    four = pool(threads=4)
    runs = [four.run(together.wait, (30,), None) for _ in range(4)]
    assert sorted(await asyncio.gather(*runs)) == [0, 1, 2, 3]


async def test_short_calls_after_long_ones(pool, work):
    """A thread that is free takes what comes while the others are held up."""
    two = pool(threads=2, queue=2)
    running = start(two, work)
    await work.has_started()
    for n in range(3):
        assert await two.run(str, (n,), None) == str(n)
    work.released.set()
    assert await running == "done"


async def test_no_thread_to_be_had(pool, monkeypatch):
    """The call fails, and the next one finds the pool as it was."""
    single = pool()

    def start(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as changed:
        changed.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="can't start"):
            await single.run(str, (1,), None)
    assert (single.active, single.queued) == (0, 0)
    assert await single.run(str, (2,), None) == "2"


async def test_no_thread_to_be_had_and_none_needed(pool, work, monkeypatch):
    """A worker that gets free meanwhile takes the call: what runs has not failed."""
    two = pool(threads=2)
    running = start(two, work)
    await work.has_started()
    ran = threading.Event()

    def fail(thread):
        work.released.set()
        assert ran.wait(30)
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as changed:
        changed.setattr(threading.Thread, "start", fail)
        await two.run(ran.set, (), None)
    assert await running == "done"


async def test_retired_pool_ends_what_it_has(pool, work):
    """What it has taken runs in as many threads as it has; what comes later goes elsewhere."""
    four, other = pool(threads=4), pool()
    together = threading.Barrier(4)
    runs = [asyncio.ensure_future(four.run(together.wait, (30,), None)) for _ in range(4)]
    await asyncio.sleep(0)
    four.retire(other)
    assert sorted(await asyncio.gather(*runs)) == [0, 1, 2, 3]
    assert await four.run(str, (1,), None) == "1"
    assert other.completed == 1


async def test_retired_twice(pool, monkeypatch):
    """The second time changes nothing, also where what it has taken has not begun yet."""
    three, other = pool(threads=3), pool()
    held = []
    with monkeypatch.context() as changed:
        changed.setattr(threading.Thread, "start", lambda thread: held.append(thread))
        run = asyncio.ensure_future(three.run(str, (1,), None))
        await asyncio.sleep(0)
        three.retire(other)
        three.retire(other)
    for thread in held:
        thread.start()
    assert await run == "1"


async def test_closed_pool(pool):
    """It takes nothing more, and says so."""
    single = pool()
    single.close()
    with pytest.raises(RuntimeError, match="let go"):
        await single.run(str, (1,), None)


async def test_place_is_free_after_the_end(pool, work):
    """A pool that was full takes calls again."""
    single = pool()
    running = start(single, work)
    await work.has_started()
    work.released.set()
    await running
    assert await single.run(work, (), None) == "done"


async def test_place_is_taken_until_the_thread_has_ended(pool, work):
    """Who gives up waiting does not make room: the thread still runs."""
    single = pool()
    running = start(single, work)
    await work.has_started()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(LimitExceeded):
        await single.run(work, (), None)
    work.released.set()
    assert await asyncio.to_thread(work.ended.acquire, timeout=30)
    # It takes the thread a moment to give its place back after the function's end.
    while True:
        try:
            assert await single.run(work, (), None) == "done"
            break
        except LimitExceeded:
            await asyncio.sleep(0.001)


async def test_cancelled_in_the_queue(full, work):
    """A call that is given up before its turn is never made, and its place is free."""
    single, running, queued = full
    queued.cancel()
    with pytest.raises(asyncio.CancelledError):
        await queued
    second = start(single, work)
    work.released.set()
    assert await asyncio.gather(running, second) == ["done", "done"]
    assert work.calls == 2


async def test_what_was_given_up_is_forgotten(full):
    """Its arguments go with it, though every thread is taken for long."""
    single, running, queued = full
    queued.cancel()
    await asyncio.wait((queued,))

    class Argument:
        pass

    for _ in range(10):
        argument = Argument()
        left = weakref.ref(argument)
        given_up = asyncio.create_task(single.run(str, (argument,), None))
        await asyncio.sleep(0)  # so it is in the queue
        given_up.cancel()
        await asyncio.wait((given_up,))
        del argument, given_up
        gc.collect()
        assert left() is None
    assert not running.done()


async def test_stop_iteration_is_an_error(pool):
    """A future can't carry it; it must end the call nevertheless."""

    def function():
        return next(iter(()))

    task = asyncio.create_task(pool().run(function, (), None))
    done, _ = await asyncio.wait([task], timeout=10)
    task.cancel()
    assert done, "the call never ends"
    assert isinstance(task.exception(), Exception)


async def test_close_drops_what_waits(full, work):
    """What runs goes on to its end; what waits is cancelled."""
    single, running, queued = full
    single.close()
    with pytest.raises(asyncio.CancelledError):
        await queued
    work.released.set()
    assert await running == "done"
    assert work.calls == 1


@pytest.mark.parametrize(("threads", "queue"), [(0, 0), (-1, 5), (1, -1)])
def test_sizes_that_make_no_sense(threads, queue):
    """They are refused by name."""
    with pytest.raises(ValueError, match=f"threads={threads}, queue={queue}"):
        ThreadPool(threads, queue)
