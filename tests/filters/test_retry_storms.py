import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facade.core import FilterSettings, Unavailable
from facade.core.attempt import Plan
from facade.filters.retry import Retry
from facade.testing import FakeInvoker


def lost():
    return Unavailable("lost")


# How long it waits


@given(
    attempt=st.integers(1, 10_000),
    backoff=st.floats(0, 100),
    longest=st.floats(0, 100),
)
def test_pause_is_never_longer_than_its_bound(attempt, backoff, longest):
    """Full jitter: between nothing and a bound that doubles, up to the maximum."""
    pause = Plan(1, backoff, longest).pause(attempt)
    assert 0 <= pause <= longest
    assert pause <= backoff * 2.0 ** min(attempt - 1, 900)


def test_no_pause_outlasts_the_call(virtual, monkeypatch, idempotent):
    """An attempt that could only come too late is not waited for."""
    monkeypatch.setattr(random, "random", lambda: 0.9)
    rest = FakeInvoker(error=lost())
    retry = Retry(retry_backoff=5.0, retry_backoff_max=5.0)
    with pytest.raises(Unavailable):
        virtual.run_until_complete(retry.invoke(rest, idempotent(timeout=2)))
    assert (len(rest.invocations), virtual.now) == (1, 1000.0)


async def test_cancelled_pause_ends_the_call(idempotent):
    """Who is cancelled between two attempts makes no other."""
    tried = asyncio.Event()

    def fail(invocation):
        tried.set()
        raise lost()

    rest = FakeInvoker(function=fail)
    retry = Retry(retry_backoff=600.0, retry_backoff_max=600.0)
    task = asyncio.create_task(retry.invoke(rest, idempotent()))
    await tried.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(rest.invocations) == 1


# Simulations


def flood(virtual, call, retry, provider, calls, every=0.01):
    """So many calls at even intervals; the share of them that was answered."""

    async def one():
        try:
            await retry.invoke(provider, call(timeout=5))
        except Unavailable:
            return 0
        return 1

    async def all_of_them():
        tasks = []
        for _ in range(calls):
            tasks.append(asyncio.create_task(one()))
            await asyncio.sleep(every)
        return sum(await asyncio.gather(*tasks)) / max(calls, 1)

    return virtual.run_until_complete(all_of_them())


@pytest.mark.parametrize("healthy", [0, 1000])
@pytest.mark.parametrize("every", [0.0, 0.001, 0.5])
def test_dead_provider_sees_at_most_a_tenth_more(virtual, idempotent, healthy, every):
    """From its death on, though each call may be tried five times."""
    retry = Retry(retries=4, clock=virtual.time)
    flood(virtual, idempotent, retry, FakeInvoker("answer"), healthy)
    dead = FakeInvoker(error=lost())
    assert flood(virtual, idempotent, retry, dead, 1000, every) == 0
    assert 1000 < len(dead.invocations) <= 1100


def test_few_failures_are_all_mended(virtual, idempotent):
    """A provider that fails one call in thirty: no caller sees it."""
    count = iter(range(10**9))

    def flaky(invocation):
        if next(count) % 30 == 29:
            raise lost()
        return "answer"

    retry = Retry(clock=virtual.time)
    assert flood(virtual, idempotent, retry, FakeInvoker(function=flaky), 3000) == 1


def test_storm_passes_and_all_is_well_again(virtual, idempotent):
    """After an outage the budget fills again with the answers."""
    down = (virtual.now + 10, virtual.now + 20)
    count = iter(range(10**9))

    def provider(invocation):
        if down[0] <= virtual.now < down[1] or next(count) % 50 == 49:
            raise lost()
        return "answer"

    rest = FakeInvoker(function=provider)
    retry = Retry(clock=virtual.time)
    assert flood(virtual, idempotent, retry, rest, 1000) > 0.99
    before = len(rest.invocations)
    assert flood(virtual, idempotent, retry, rest, 1000) < 0.05
    assert len(rest.invocations) - before <= 1100
    flood(virtual, idempotent, retry, rest, 200)
    assert flood(virtual, idempotent, retry, rest, 1000) == 1


# The budget


def test_budget_is_no_matter_of_one_method():
    """It is shared, so a method can't have another."""
    with pytest.raises(ValueError, match="for the service"):
        Retry.configure(FilterSettings({"retries": 1}, {"hello": {"retry_budget": 0.5}}))
