import asyncio

import pytest

from facade.core import DeadlineExceeded, Result, RpcError, Sent, TimeoutCountDown, Unavailable
from facade.filters.cache import Cache
from facade.filters.provider_cache import ProviderCache
from facade.testing import invocation


class Held:
    """Answers when it is told to, with what it is told."""

    def __init__(self):
        self.calls = []

    async def invoke(self, call):
        future = asyncio.get_running_loop().create_future()
        self.calls.append(future)
        return await future


async def turn():
    """Let all that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def start(cache, rest, *calls):
    tasks = [asyncio.create_task(cache.invoke(rest, call)) for call in calls]
    await turn()
    return tasks


async def test_equal_calls_at_once_are_one():
    """One call leaves, and each caller has a value of its own."""
    rest, cache = Held(), Cache()
    tasks = await start(cache, rest, *(invocation() for _ in range(5)))
    assert len(rest.calls) == 1
    rest.calls[0].set_result(Result([1]))
    values = [result.value for result in await asyncio.gather(*tasks)]
    assert values == [[1]] * 5
    assert len({id(value) for value in values}) == 5


async def test_clear_forgets_what_is_on_its_way():
    """It may be older than what the cache was cleared for: who comes then makes a call anew."""
    rest, cache = Held(), Cache()
    first, second = await start(cache, rest, invocation(), invocation())
    cache.clear()
    (third,) = await start(cache, rest, invocation())
    rest.calls[1].set_result(Result("new"))
    rest.calls[0].set_result(Result("old"))
    values = [result.value for result in await asyncio.gather(first, second, third)]
    assert values == ["old", "old", "new"]
    assert (await cache.invoke(rest, invocation())).value == "new"


@pytest.mark.parametrize("error", [RpcError("no"), Unavailable("gone")])
async def test_failure_is_shared_and_not_kept(error):
    """Those that waited have the failure too, and the next one tries again."""
    rest, cache = Held(), Cache()
    tasks = await start(cache, rest, invocation(), invocation())
    rest.calls[0].set_exception(error)
    assert await asyncio.gather(*tasks, return_exceptions=True) == [error, error]
    await start(cache, rest, invocation())
    rest.calls[1].set_result(Result(1))


async def test_exception_of_the_method_is_shared():
    """Those that waited have what the method raised."""
    rest, cache = Held(), Cache()
    tasks = await start(cache, rest, invocation(), invocation())
    rest.calls[0].set_result(Result(exception=KeyError("x")))
    results = await asyncio.gather(*tasks)
    assert [type(result.exception) for result in results] == [KeyError, KeyError]


@pytest.mark.parametrize("how", ["cancelled", "late", "expired"])
async def test_next_one_goes_where_the_first_gave_up(how):
    """A first caller that is cancelled, or has less time, fails alone: the next one calls."""
    rest, cache = Held(), Cache()
    first, *others = await start(cache, rest, *(invocation() for _ in range(3)))
    if how == "cancelled":
        first.cancel()
    elif how == "late":
        rest.calls[0].set_exception(DeadlineExceeded("late"))
    else:
        expired = Result()
        expired.expired = True
        rest.calls[0].set_result(expired)
    await turn()
    assert len(rest.calls) == 2
    rest.calls[1].set_result(Result("value"))
    assert [result.value for result in await asyncio.gather(*others)] == ["value"] * 2
    await asyncio.gather(first, return_exceptions=True)


async def test_cancelled_waiter_leaves_the_call_alone():
    """Who stops to wait stops nobody else."""
    rest, cache = Held(), Cache()
    first, second = await start(cache, rest, invocation(), invocation())
    second.cancel()
    await turn()
    rest.calls[0].set_result(Result("value"))
    assert (await first).value == "value"
    assert second.cancelled()


@pytest.mark.parametrize(
    ("kind", "sent"), [(Cache, Sent.NOT_SENT), (ProviderCache, Sent.NOT_EXECUTED)]
)
async def test_waiting_ends_with_the_time_of_the_call(kind, sent):
    """A caller waits for an equal call no longer than for its own."""
    rest, cache = Held(), kind()
    (first,) = await start(cache, rest, invocation())
    with pytest.raises(DeadlineExceeded, match="equal call") as caught:
        await cache.invoke(rest, invocation(countdown=TimeoutCountDown(0.001)))
    assert caught.value.sent is sent
    rest.calls[0].set_result(Result("value"))
    assert (await first).value == "value"
