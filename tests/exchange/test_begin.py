import asyncio
import warnings

import pytest

from facade.exchange.begin import begin, drop


async def test_first_step_is_taken_at_once():
    """What comes before the first wait has happened when begin returns."""
    steps = []

    async def work():
        steps.append("first")
        await asyncio.sleep(0)
        steps.append("rest")

    rest = begin(work())
    assert steps == ["first"]
    await rest
    assert steps == ["first", "rest"]


async def test_coroutine_that_never_waits_is_over():
    """There is nothing left to do, and awaiting the rest does nothing."""
    steps = []

    async def work():
        steps.append("all")

    rest = begin(work())
    assert steps == ["all"]
    await rest
    assert steps == ["all"]


async def test_rest_runs_in_another_task():
    """The first step here and the rest in a task of its own make one coroutine."""
    asked = asyncio.get_running_loop().create_future()
    got = []

    async def work():
        got.append(await asked)
        got.append(await asyncio.sleep(0, "more"))

    rest = begin(work())

    async def finish():
        await rest

    task = asyncio.create_task(finish())
    await asyncio.sleep(0)
    asked.set_result("answer")
    await task
    assert got == ["answer", "more"]


async def test_what_the_first_step_waits_for_may_have_come():
    """An answer that is there before the rest is awaited is not missed."""
    asked = asyncio.get_running_loop().create_future()
    got = []

    async def work():
        got.append(await asked)

    rest = begin(work())
    asked.set_result("answer")
    await rest
    assert got == ["answer"]


async def test_error_of_the_first_step_is_raised_by_the_rest():
    """begin itself does not raise: who awaits the rest learns of it."""

    async def work():
        raise ValueError("at once")

    rest = begin(work())
    with pytest.raises(ValueError, match="at once"):
        await rest


async def test_error_of_a_later_step_is_raised_by_the_rest():
    """It makes no difference when it happens."""

    async def work():
        await asyncio.sleep(0)
        raise ValueError("later")

    with pytest.raises(ValueError, match="later"):
        await begin(work())


async def test_what_it_waits_for_may_fail():
    """An exception comes up where the coroutine waits, and can be handled there."""
    asked = asyncio.get_running_loop().create_future()
    got = []

    async def work():
        try:
            await asked
        except ConnectionError as error:
            got.append(error)
        got.append(await asyncio.sleep(0, "goes on"))

    rest = begin(work())
    asked.set_exception(problem := ConnectionError())
    await rest
    assert got == [problem, "goes on"]


async def test_cancelling_the_rest_cancels_the_coroutine():
    """Who awaits it and is cancelled takes it along."""
    started, ended = asyncio.Event(), []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    rest = begin(work())

    async def finish():
        started.set()
        await rest

    task = asyncio.create_task(finish())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]


async def test_rest_that_is_closed_closes_the_coroutine():
    """A loop that stops in the middle leaves nothing open."""
    ended = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    rest = begin(work())

    async def finish():
        await rest

    outer = finish()
    outer.send(None)
    outer.close()
    assert ended == [True]


@pytest.mark.parametrize("error", [None, ValueError("broken")])
async def test_what_is_over_need_not_be_awaited(error):
    """Who would await it may be cancelled first: nothing is complained of then."""

    async def work():
        if error is not None:
            raise error

    rest = begin(work())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del rest
    assert caught == []


async def test_what_is_dropped_leaves_nothing():
    """What it waits for is cancelled: that it fails later is no error that nobody retrieved."""
    waits_for = asyncio.get_running_loop().create_future()
    closed = []

    async def work():
        try:
            await waits_for
        finally:
            closed.append(True)

    drop(begin(work()))
    assert waits_for.cancelled()
    assert closed


async def test_dropping_what_is_over():
    """That does nothing, be it that it ended or that it failed."""

    async def fail():
        raise ValueError

    async def end():
        """It does nothing."""

    drop(begin(fail()))
    drop(begin(end()))
    drop(begin(asyncio.sleep(0)))
