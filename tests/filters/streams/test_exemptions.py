"""What filters do to plain values, and not to streams."""

import asyncio

import pytest

import facade
from facade.core import Sent, TimeoutCountDown
from facade.filters.cache import Cache
from facade.filters.hedge import Hedge
from facade.filters.retry import Retry
from facade.filters.timeout import Timeout
from facade.filters.validation import Validation
from facade.testing import FakeInvoker
from tests.filters.streams.ticker import COUNT, TOTAL, call, giving, numbers, read


async def test_timeout_leaves_a_stream_that_was_given_in_time():
    """Its time may run out while it is read; that is the exchange's matter."""
    made = call()
    made.countdown = TimeoutCountDown(60)
    result = await Timeout().invoke(giving(), made)
    made.countdown.deadline -= 60
    assert made.countdown.expired
    assert not result.expired
    assert await read(result.value) == [1, 2]


@pytest.mark.parametrize("method", [COUNT, None], ids=["method", "without an interface"])
async def test_cache_keeps_no_stream(method):
    """Each call has its own."""
    cache = Cache()
    invoker = giving()
    for _ in range(2):
        made = call()
        made.method = method
        assert await read((await cache.invoke(invoker, made)).value) == [1, 2]
    assert len(invoker.invocations) == 2


async def test_cache_passes_by_arguments_that_are_streams():
    """Also where they are lists, which could be compared."""
    cache, invoker = Cache(), FakeInvoker(3)
    for _ in range(2):
        await cache.invoke(invoker, call(TOTAL, [1, 2]))
    assert len(invoker.invocations) == 2


async def test_hedge_makes_one_attempt():
    """However long it takes."""

    async def slow(_):
        await asyncio.sleep(0.02)
        return numbers()

    invoker = FakeInvoker(function=slow)
    result = await Hedge(hedge_after=0.001).invoke(invoker, call())
    assert await read(result.value) == [1, 2]
    assert len(invoker.invocations) == 1


@pytest.mark.parametrize(
    ("method", "sent", "attempts"),
    [
        (TOTAL, Sent.NOT_SENT, 3),
        (TOTAL, Sent.NOT_EXECUTED, 1),
        (TOTAL, Sent.MAYBE_EXECUTED, 1),
        (COUNT, Sent.NOT_SENT, 3),
        (COUNT, Sent.NOT_EXECUTED, 3),
        (COUNT, Sent.MAYBE_EXECUTED, 3),
    ],
)
async def test_retry_sends_an_argument_once(method, sent, attempts):
    """Where it was perhaps sent, nothing is repeated; a stream that is asked for may be."""
    retry = Retry(retries=2, retry_backoff=0, retry_budget=10)
    retry.budget.answered()
    invoker = FakeInvoker(error=facade.Unavailable("gone", sent=sent))
    with pytest.raises(facade.Unavailable):
        await retry.invoke(invoker, call(method, numbers()))
    assert len(invoker.invocations) == attempts


async def test_attempt_timeout_is_not_for_streams():
    """It would end one that was given in time."""
    seen = []

    def method(made):
        seen.append(made.countdown)
        return numbers()

    await Retry(attempt_timeout=0.1).invoke(FakeInvoker(function=method), call())
    assert seen == [None]


async def test_validation_passes_by_streams():
    """A list that is given for one is no misfit."""
    result = await Validation().invoke(FakeInvoker(3), call(TOTAL, [1, 2]))
    assert result.value == 3
