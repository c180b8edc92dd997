"""The counts behind the limits, in the terms of Dubbo's RpcStatusTest."""

import asyncio
from threading import Thread

import pytest

from facade.core.places import MethodPlaces, Places, WaitingPlaces, whole_numbers
from facade.core.settings import ByMethod
from facade.testing import invocation


async def settle():
    """Let all that can run, run."""
    for _ in range(5):
        await asyncio.sleep(0)


# Counting


@pytest.mark.behaviour("B3.26")
def test_begin_and_end():
    """Two begin where two may, a third does not; an end makes room, for the service as well."""
    places = MethodPlaces(Places, whole_numbers("executes", 2))
    hello = places.of(invocation("hello"))
    assert [hello.begin(), hello.begin(), hello.begin()] == [True, True, False]
    places.of(invocation("other")).begin()
    assert (hello.active, places.active("test.Service")) == (2, 3)
    hello.end(0.001, True)
    assert (hello.active, places.active("test.Service"), places.active("x")) == (1, 2, 0)
    assert hello.begin()


@pytest.mark.behaviour("B3.26")
def test_threads_that_begin():
    """Of 10 threads with 100 begins each, exactly the 50 get through that may."""
    places = Places(50)
    got = []
    threads = [
        Thread(target=lambda: got.extend(places.begin() for _ in range(100))) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(got), places.active) == (50, 50)


@pytest.mark.behaviour("B3.26")
def test_statistics():
    """1 and 2 s went well, 3 and 4 s failed: sums, longest and means are of the right ones."""
    places = Places()
    for seconds, succeeded in ((1, True), (2, True), (3, False), (4, False)):
        assert places.begin()
        places.end(seconds, succeeded)
    assert (places.active, places.total, places.elapsed) == (0, 4, 10)
    assert (places.max_elapsed, places.average_elapsed, places.average_tps) == (4, 2.5, 0.4)
    assert (places.succeeded, places.succeeded_elapsed) == (2, 3)
    assert (places.max_succeeded_elapsed, places.average_succeeded_elapsed) == (2, 1.5)
    assert (places.failed, places.failed_elapsed) == (2, 7)
    assert (places.max_failed_elapsed, places.average_failed_elapsed) == (4, 3.5)


def test_statistics_of_nothing():
    """Means of no calls are 0, and calls that took no second are counted as they are."""
    places = Places()
    assert (places.average_elapsed, places.average_failed_elapsed) == (0, 0)
    assert (places.average_succeeded_elapsed, places.average_tps) == (0, 0)
    places.begin()
    places.end(0.1, True)
    assert places.average_tps == 1


@pytest.mark.behaviour("B3.26")
def test_no_limit_is_counted_too():
    """0 lets any number through, and still tells how many there are."""
    places = Places(0)
    assert all(places.begin() for _ in range(1000))
    assert places.active == 1000


def test_methods_of_services_are_apart():
    """What another service, group, version or method does takes no place here."""
    places = MethodPlaces(Places, ByMethod({"hello": 1}, 5))
    mine = places.of(invocation("hello"))
    assert places.of(invocation("hello")) is mine
    assert places.find("test.Service", "hello") is mine
    for other in (
        invocation("hello", group="blue"),
        invocation("hello", version="2"),
        invocation("hello", service="test.Other"),
    ):
        assert places.of(other) is not mine
    assert (mine.limit, places.of(invocation("find")).limit) == (1, 5)


@pytest.mark.parametrize("wrong", [-1, True, "5", 1.5, None])
def test_number_that_is_none(wrong):
    """The setting and what was given are told."""
    with pytest.raises(ValueError, match=f"executes={wrong!r}: give a number of calls, or 0"):
        whole_numbers("executes", wrong)
    with pytest.raises(ValueError, match="executes="):
        whole_numbers("executes", ByMethod({"hello": wrong}, 5))


# Waiting


async def test_who_waits_first_is_first():
    """A place goes to him who has waited longest, and not to one who has just come."""
    places = WaitingPlaces(1)
    assert await places.wait()
    order = []

    async def one(name):
        assert await places.wait()
        order.append(name)

    tasks = [asyncio.create_task(one(name)) for name in "abc"]
    await settle()
    assert places.waiting == 3
    for _ in "abc":
        places.leave()
        assert not places.begin()  # nobody slips in
        await settle()
    assert order == list("abc")
    await asyncio.gather(*tasks)
    places.leave()
    assert (places.active, places.waiting) == (0, 0)


async def test_wait_ends():
    """Whose time is up gets none, and leaves nothing behind; no time is no wait."""
    places = WaitingPlaces(1)
    assert await places.wait()
    assert not await places.wait(0.001)
    assert not await places.wait(0)
    assert not await places.wait(-1)
    assert (places.active, places.waiting) == (1, 0)
    places.leave()
    assert await places.wait(0)


async def test_queue_has_an_end():
    """Where enough wait already nobody else does."""
    places = WaitingPlaces(1)
    places.begin()
    waiting = asyncio.create_task(places.wait(None, 1))
    await settle()
    assert not await places.wait(None, 1)
    places.leave()
    assert await waiting


@pytest.mark.parametrize("handed", [False, True])
async def test_cancelled_while_waiting(handed):
    """Who is cancelled gives his turn to the next, even where a place was just his."""
    places = WaitingPlaces(1)
    places.begin()
    first, second = (asyncio.create_task(places.wait()) for _ in range(2))
    await settle()
    if handed:
        places.leave()
        first.cancel()
    else:
        first.cancel()
        places.leave()
    assert await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (places.active, places.waiting) == (1, 0)


def test_loops_share_places():
    """Callers on several event loops wait for the same places, and none is lost."""
    places = WaitingPlaces(3)
    most = []

    async def call(seconds):
        if await places.wait(seconds):
            most.append(places.active)
            await asyncio.sleep(0)
            places.leave()

    async def calls():
        await asyncio.gather(*(call(0.0005 if n % 3 else None) for n in range(300)))

    threads = [Thread(target=lambda: asyncio.run(calls())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (places.active, places.waiting) == (0, 0)
    assert max(most) <= 3
    assert len(most) >= 400


def test_loop_that_is_gone():
    """A place is not handed to who waited on a loop that is closed."""
    places = WaitingPlaces(1)
    places.begin()
    loop = asyncio.new_event_loop()
    task = loop.create_task(places.wait())
    loop.run_until_complete(settle())
    loop.close()
    task._log_destroy_pending = False
    places.leave()
    assert places.active == 0
    task.get_coro().close()
