"""More calls than a provider can serve, and calls that are made again."""

import asyncio
import collections
from statistics import median
from time import monotonic

import pytest

import facade
from tests.faults.calm import Calm
from tests.faults.until import until
from tests.faults.work import Work
from tests.short import PATIENCE

# One call takes this long, in seconds, and there are 16 at once: see WorkImpl.narrow. So few a
# second that even five times as many leave a slow machine's processors something to spare.
EACH = 0.1
TIMES = 5
# A refusal may take so many seconds.
REFUSED = 0.01


class Window:
    """What came of the calls of some seconds."""

    def __init__(self):
        self.good = 0
        self.refused = []
        self.failed = collections.Counter()

    async def call(self, narrow):
        start = monotonic()
        try:
            await narrow(EACH)
        except facade.LimitExceeded:
            self.refused.append(monotonic() - start)
        except facade.RpcError as error:
            self.failed[type(error).__name__] += 1
            print(error)  # pytest shows it where it was one too many
        else:
            self.good += 1


async def at_rate(rate, seconds, narrow):
    """Calls at even intervals, whatever comes of them."""
    window, calls = Window(), set()
    start = monotonic()
    made = 0
    while (elapsed := monotonic() - start) < seconds:
        while made < elapsed * rate:
            made += 1
            call = asyncio.ensure_future(window.call(narrow))
            calls.add(call)
            call.add_done_callback(calls.discard)
        await asyncio.sleep(0.002)
    good = window.good / seconds
    await asyncio.gather(*calls)
    return window, good, made / seconds


async def test_overload(provider, short, report, report_time):
    """At five times what the provider can do it goes on doing nearly that, says no at once to
    the others, and is itself again soon."""
    one = await provider(log_level="ERROR", export={"adaptive_limit": True})
    async with facade.AsyncClient(one.target, timeout=2.5) as client:
        calm = Calm(client)
        narrow = client.refer(Work).narrow
        # As many at once as there are after a machine stood still for some seconds: memory that
        # is used for the first time is not lost.
        await asyncio.gather(*(Window().call(narrow) for _ in range(8_000)))
        most = 0.0
        for _ in range(3):
            for share in (0.85, 1.0):
                _, good, _ = await at_rate(share * 16 / EACH, 2.0, narrow)
                most = max(most, good)
        await calm.take()
        seconds = 5.0 if short else 30.0
        # What a machine does that stands still for a second of it says nothing.
        for _ in range(3):
            window, good, rate = await at_rate(TIMES * most, seconds, narrow)
            share, no = good / most, median(window.refused)
            lost, bound = window.failed.total(), rate * seconds / 1000
            slow = no > REFUSED * PATIENCE
            if rate >= TIMES * 0.9 * most and share >= 0.8 and not slow and lost <= bound:
                break
        report(
            "overload: load, of what it can do",
            f"{rate / most:.1f} x",
            f">= {TIMES * 0.9:g} x",
            rate >= TIMES * 0.9 * most,
        )
        report(
            "overload: goodput, of the peak",
            f"{share:.0%} of {most:.0f}/s",
            ">= 80 %",
            share >= 0.8,
        )
        report_time("overload: a refusal takes, median", no, REFUSED)
        report(
            "overload: calls that failed otherwise",
            f"{dict(window.failed) or 0}",
            f"<= {bound:.0f}, one in a thousand",
            lost <= bound,
        )
        # Back at four fifths of the peak: refusals end.
        start = monotonic()
        while True:
            window, good, _ = await at_rate(0.8 * most, 0.5, narrow)
            if not window.refused and not window.failed:
                break
            if monotonic() - start > 20:
                break
        recovered = max(0.0, monotonic() - start - 0.5)
        report_time("overload: recovered after", recovered, 2.0)
        await calm.again(report, "overload")


# Retries


class Attempts(facade.Filter):
    """Counts what is sent, or tried to be."""

    def __init__(self):
        self.count = 0

    async def invoke(self, invoker, invocation):
        self.count += 1
        return await invoker.invoke(invocation)


@pytest.mark.parametrize("how", ["dead", "refusing", "one at a time"])
async def test_retry_storm(provider, short, report, how):
    """Callers that make their calls again add no more than a tenth to them."""
    one = await provider(log_level="CRITICAL", max_calls=1, max_cancels=0)
    attempts = Attempts()
    count = 2_000 if short else 10_000
    client = facade.AsyncClient(
        one.target,
        timeout=5.0,
        wait_for_ready=False,
        filters=["default", attempts],
        connections=1,
    )
    failed = 0
    async with client:
        work = client.refer(Work, retries=5, retry_backoff=0.001)
        for _ in range(200):  # in peace: what the budget may save is saved
            await work.echo("-")
        if how == "dead":
            one.kill()
            await one.wait()
        elif how == "refusing":
            hanging = asyncio.ensure_future(work.hang.options(timeout=600)("-"))
            await until(lambda: one.journal)
        attempts.count = 0

        async def caller(calls):
            nonlocal failed
            for _ in range(calls):
                try:
                    await work.echo("-")
                except facade.RpcError:
                    failed += 1

        # Without a connection each call takes as long as the pause before the next attempt.
        wide = count // 10 if how == "dead" else 50
        await asyncio.gather(*(caller(count // wide) for _ in range(wide)))
        times = attempts.count / count
        name = f"retry storm, {how}"
        report(f"{name}: attempts for each call", f"{times:.3f}", "<= 1.1", times <= 1.1)
        report(f"{name}: calls that failed", f"{failed:,} of {count:,}", "some", failed > 0)
        if how == "refusing":
            hanging.cancel()
