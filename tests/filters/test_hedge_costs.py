import asyncio

import pytest

import facade
from facade.core import DeadlineExceeded, FilterSettings, RpcContext, Unavailable
from facade.filters.hedge import Hedge
from facade.testing import FakeInvoker, connected

# Those that lose


async def test_cancelled_caller_cancels_all_attempts(idempotent):
    """Nothing goes on for somebody who is gone."""
    both = asyncio.Event()
    ended = []

    async def endless(invocation):
        number = invocation.attributes.get("call.attempt", 1)
        if number == 2:
            both.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    hedge = Hedge(hedge_after=0.0)
    task = asyncio.create_task(hedge.invoke(FakeInvoker(function=endless), idempotent()))
    await both.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert sorted(ended) == [1, 2]


async def test_loser_that_fails_while_it_ends_is_not_heard(idempotent):
    """It was asked to: nothing is logged, and nobody sees it."""

    async def stubborn(invocation):
        if "call.attempt" in invocation.attachments:
            return "second"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RuntimeError("while it cleaned up") from None

    hedge = Hedge(hedge_after=0.0)
    result = await hedge.invoke(FakeInvoker(function=stubborn), idempotent())
    assert result.value == "second"
    for _ in range(3):
        await asyncio.sleep(0)
    assert not hedge._losers


async def test_slow_provider_is_asked_again_end_to_end():
    """Through both chains: the first attempt is cancelled there, and the context goes along."""
    ended = asyncio.Event()

    @facade.service("demo.Greeter")
    class Greeter:
        @facade.method(idempotent=True)
        async def hello(self) -> str: ...

    class Slow(facade.Filter):
        async def invoke(self, invoker, invocation):
            if "call.attempt" in invocation.attachments:
                return await invoker.invoke(invocation)
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    class Impl(Greeter):
        async def hello(self):
            attachments = RpcContext.server_attachments()
            assert "call.attempt" not in attachments
            return attachments["user"] + attachments["mark"]

    class Mark(facade.Filter):
        async def invoke(self, invoker, invocation):
            RpcContext.client_attachments()["mark"] = "!"
            return await invoker.invoke(invocation)

    async with connected(
        (Greeter, Impl()),
        filters=[Hedge(hedge_after=0.0), Mark()],
        server_filters=["default", Slow()],
        timeout=10,
    ) as client:
        RpcContext.client_attachments()["user"] = "Ann"
        assert await client.refer(Greeter).hello() == "Ann!"
        await ended.wait()
        assert RpcContext.service().remote_address


# The budget


@pytest.mark.parametrize("fails", [True, False])
def test_dead_provider_sees_at_most_a_tenth_more(virtual, fails, idempotent):
    """Whether it refuses or is silent, and though it was well before."""
    hedge = Hedge(hedge_after=0.1, hedges=3, clock=virtual.time)
    for _ in range(1000):
        hedge.budget.answered()
    seen = []

    async def dead(invocation):
        seen.append(invocation)
        if not fails:
            await asyncio.sleep(invocation.countdown.remaining)
        raise DeadlineExceeded("late") if not fails else Unavailable("lost")

    rest = FakeInvoker(function=dead)

    async def flood():
        tasks = []
        for _ in range(1000):
            tasks.append(asyncio.create_task(hedge.invoke(rest, idempotent(timeout=2))))
            await asyncio.sleep(0.01)
        return await asyncio.gather(*tasks, return_exceptions=True)

    outcomes = virtual.run_until_complete(flood())
    assert all(isinstance(outcome, Unavailable | DeadlineExceeded) for outcome in outcomes)
    assert 1000 < len(seen) <= 1100


def test_slow_tail_is_cut(virtual, idempotent):
    """One call in twenty takes 5 s: with hedges none takes much longer than the delay."""
    hedge = Hedge(hedge_after=0.1, clock=virtual.time)
    count = iter(range(10**9))

    async def provider(invocation):
        await asyncio.sleep(5 if next(count) % 20 == 19 else 0.05)

    async def one():
        started = virtual.now
        await hedge.invoke(FakeInvoker(function=provider), idempotent(timeout=10))
        return virtual.now - started

    async def flood():
        tasks = []
        for _ in range(2000):
            tasks.append(asyncio.create_task(one()))
            await asyncio.sleep(0.01)
        return await asyncio.gather(*tasks)

    assert max(virtual.run_until_complete(flood())[100:]) < 0.3


def test_budget_is_no_matter_of_one_method():
    """It is shared, so a method can't have another."""
    with pytest.raises(ValueError, match="for the service"):
        Hedge.configure(FilterSettings({"hedge_after": 1.0}, {"hello": {"hedge_budget": 0.5}}))
