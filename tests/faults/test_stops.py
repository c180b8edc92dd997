"""Providers that stop, one after the other, and connections that grow old."""

import asyncio
import contextlib
from time import monotonic

import pytest

import facade
from facade import Sent
from tests.faults.busy import Moment, usual
from tests.faults.until import until
from tests.faults.work import Work
from tests.short import PATIENCE


async def test_stop_of_an_idle_provider(provider, report_time, short):
    """With 100 streams open and no call, it is gone at once, and so are they. The time for which
    others had all processors does not count.

    It is patient with its loop: it would log that it was blocked, where the machine stood still."""
    took = []
    for _ in range(3 if short else 8):
        one = await provider(slow_loop=60)
        async with contextlib.AsyncExitStack() as stack:
            for number in range(100):
                client = facade.AsyncClient(one.target, application=f"{number}", timeout=30)
                await stack.enter_async_context(client)
                await client.ready()
            start = Moment.now(one.pid)
            took.append((await one.stop()).since(start))
        assert one.log == ""
    report_time("SIGTERM, idle, 100 streams: exit", min(took), 0.3)


# How many calls are under way at most.
WIDE = 500


class Balanced:
    """Calls of several clients in turn, each again at the next one where it is safe.

    What a balancer would do; each client has the `retry` filter besides."""

    def __init__(self, targets, **settings) -> None:
        self._clients = [facade.AsyncClient(t, wait_for_ready=False, **settings) for t in targets]
        self._works = [client.refer(Work, retries=1) for client in self._clients]
        self._next = 0
        self.again = 0

    async def __aenter__(self):
        await self.ready()
        return self

    async def __aexit__(self, *_):
        await asyncio.gather(*(client.close() for client in self._clients))

    async def ready(self):
        await asyncio.gather(*(client.ready() for client in self._clients))

    async def work(self, id, seconds):
        self._next += 1
        first, attempts = self._next, 2 * len(self._works)
        for attempt in range(attempts):
            work = self._works[(first + attempt) % len(self._works)]
            try:
                return await work.work(id, seconds)
            except facade.Unavailable as error:
                if error.sent is Sent.MAYBE_EXECUTED or attempt + 1 == attempts:
                    raise
                self.again += 1
        raise AssertionError("unreachable")


async def load(balanced, rate, ended, seconds):
    """So many calls a second until ``ended``, or as many as the machine can: their tasks. No more
    are under way than ``WIDE``: who makes more calls than are answered waits ever longer."""
    calls = []
    under_way = set()
    start = monotonic()
    while not ended.is_set():
        due = int((monotonic() - start) * rate)
        for number in range(len(calls), min(due, len(calls) + WIDE - len(under_way))):
            calls.append(asyncio.ensure_future(balanced.work(f"load-{number}", seconds)))
            under_way.add(calls[-1])
            calls[-1].add_done_callback(under_way.discard)
        await asyncio.sleep(0.005)
    return calls


def errors_of(outcomes):
    errors = [o for o in outcomes if isinstance(o, BaseException)]
    for text in {f"{type(e).__name__}, {getattr(e, 'sent', '')}: {e}" for e in errors}:
        print(text)
    return errors


async def test_stop_under_load(provider, report, report_time):
    """While another provider is there no call fails, and the process ends with its last call."""
    made, failed = 0, []

    async def stopped():
        nonlocal made
        one, other = await provider(grace=20.0, slow_loop=60), await provider()
        ended = asyncio.Event()
        async with Balanced([one.target, other.target], timeout=30) as balanced:
            calling = asyncio.ensure_future(load(balanced, 200, ended, 0.3))
            await asyncio.sleep(0.5)
            last = facade.AsyncClient(one.target, timeout=30)
            async with last:
                slow = asyncio.ensure_future(last.refer(Work).work("slow", 1.5))
                await until(lambda: "slow" in one.journal)
                stopping = asyncio.ensure_future(one.stop())
                assert await slow == "slow"
                answered = Moment.now(one.pid)
                after = (await stopping).since(answered)
            await asyncio.sleep(0.3)
            ended.set()
            calls = await calling
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
        made += len(calls)
        failed.extend(errors_of(outcomes))
        ran = one.journal + other.journal
        assert len(ran) == len(set(ran)) == len(calls) + 1
        assert one.log == ""
        return after

    after = await usual(stopped, 0.3)
    report("SIGTERM under load: failed calls", f"{len(failed)} of {made}", "0", not failed)
    report_time("SIGTERM under load: exit after the last answer", after, 0.3)


async def test_grace_is_exceeded(provider, report, report_time):
    """Each call that is left then gets one error that says why, and the process ends."""
    outcomes = []

    async def exceeded():
        one = await provider(grace=0.5)
        async with facade.AsyncClient(one.target, timeout=30) as client:
            work = client.refer(Work)
            calls = [asyncio.ensure_future(work.hang(f"{number}")) for number in range(100)]
            await until(lambda: len(one.journal) == 100)
            start = Moment.now(one.pid)
            stopping = asyncio.ensure_future(one.stop())
            outcomes[:] = await asyncio.gather(*calls, return_exceptions=True)
            return (await stopping).since(start)

    took = await usual(exceeded, 1.5)
    clear = sum(
        isinstance(o, facade.Unavailable)
        and "the provider stops" in str(o)
        and "0.5 s" in str(o)
        and o.sent is Sent.MAYBE_EXECUTED
        for o in outcomes
    )
    report("grace of 0.5 s exceeded: clear errors", f"{clear} of 100", "all", clear == 100)
    report_time("grace of 0.5 s exceeded: exit", took, 1.5)


async def test_rolling_restart(provider, report):
    """Three providers are restarted one after the other under load, and no call fails."""
    three = [await provider(grace=10.0) for _ in range(3)]
    rate = 1000
    ended = asyncio.Event()
    async with Balanced([one.target for one in three], timeout=30) as balanced:
        calling = asyncio.ensure_future(load(balanced, rate, ended, 0.02))
        await asyncio.sleep(0.5)
        start = monotonic()
        for one in three:
            one.terminate()
            assert await one.wait() == 0
            await one.start()
            await balanced.ready()  # as it is found again before the next one stops
            await asyncio.sleep(0.3)
        took = monotonic() - start
        ended.set()
        calls = await calling
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    failed = errors_of(outcomes)
    ran = [id for one in three for id in one.journal]
    name = f"rolling restart of 3 in {took:.1f} s"
    made, least = len(calls) / (took + 0.5), rate * 0.95 / PATIENCE
    report(f"{name}: load", f"{made:,.0f} calls/s", f">= {least:,.0f}", made >= least)
    report(f"{name}: failed", f"{len(failed)} of {len(calls)}", "0", not failed)
    assert len(ran) == len(set(ran)) == len(calls)


@pytest.mark.parametrize("idle", [False, True], ids=["busy", "idle"])
async def test_age_of_connections(provider, proxy, report, idle):
    """An old connection is replaced before it ends, where calls are under way: none fails."""
    one = await provider(max_age=0.3, grace=10.0)
    between = await proxy(one.port)
    ends = []
    gaps = most = 0
    client = facade.AsyncClient(
        between.target, timeout=30, on_disconnect=lambda peer, error: ends.append(error)
    )
    async with client:
        work = client.refer(Work)
        outcomes = [await work.work("first", 0)]
        calls = []
        available = True
        while len(ends) < 3:
            if idle and not client.available:
                outcomes.append(await work.work("again", 0))
            elif not idle:
                # Some are under way, even where the machine stands still for a second.
                calls.append(asyncio.ensure_future(work.work(f"{len(calls)}", 2.0)))
            gaps += available and not client.available
            available = client.available
            most = max(most, between.links)
            await asyncio.sleep(0.005)
        outcomes += await asyncio.gather(*calls, return_exceptions=True)
    failed = errors_of(outcomes)
    what = "idle" if idle else "under load"
    report(
        f"age of connections, {what}: failed calls",
        f"{len(failed)} of {len(outcomes)}",
        "0",
        not failed,
    )
    report(
        f"age of connections, {what}: ended in anger",
        f"{sum(e is not None for e in ends)}",
        "0",
        not any(ends),
    )
    assert between.accepted >= 3
    if not idle:
        assert most >= 2
        # Where a machine stands still for longer than the old one can wait, but that it does once.
        assert gaps <= 1
