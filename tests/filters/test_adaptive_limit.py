import asyncio
import heapq
import random
import types
from threading import Thread

import pytest

import facade
from facade.core import DeadlineExceeded, LimitExceeded, Result, Sent, Status
from facade.core.settings import FilterSettings
from facade.filters.adaptive_limit import AdaptiveLimit, Limit
from facade.testing import FakeInvoker, connected, invocation

HELLO = ("test.Service", "hello")


@types.coroutine
def park():
    """Wait until somebody goes on with the coroutine by hand."""
    yield


class Machine:
    """A provider of ``workers`` and a queue without end, and time that is made up.

    Calls come at random at ``rate`` per second, need ``service`` seconds of a worker, and are
    of no use to their callers after ``patience``.
    """

    def __init__(self, filter, *, workers=20, service=0.01, patience=0.2, seed=1):
        self.now = 0.0
        self.filter = filter
        self.workers, self.service, self.patience = workers, service, patience
        self.random = random.Random(seed)
        self.free = workers
        self.queue, self.events, self.number = [], [], 0
        self.good = self.late = self.refused = 0

    async def invoke(self, invocation):
        await park()
        return Result()

    def run(self, rate, seconds):
        """Goodput: calls that were answered in time, per second."""
        self.good = self.late = self.refused = 0
        start = self.now
        self._at(start, self._arrive, rate, start + seconds)
        while self.events:
            self.now, _, what, arguments = heapq.heappop(self.events)
            what(*arguments)
        return self.good / seconds

    def _at(self, when, what, *arguments):
        self.number += 1
        heapq.heappush(self.events, (when, self.number, what, arguments))

    def _arrive(self, rate, until):
        if (soon := self.now + self.random.expovariate(rate)) < until:
            self._at(soon, self._arrive, rate, until)
        call = (self.filter or Through()).invoke(self, invocation())
        try:
            call.send(None)
        except LimitExceeded:
            self.refused += 1
            return
        self.queue.append((call, self.now))
        self._work()

    def _work(self):
        while self.free and self.queue:
            self.free -= 1
            needs = self.service * self.random.uniform(0.5, 1.5)
            self._at(self.now + needs, self._finish, *self.queue.pop(0))

    def _finish(self, call, arrived):
        self.free += 1
        with pytest.raises(StopIteration):
            call.send(None)
        if self.now - arrived <= self.patience:
            self.good += 1
        else:
            self.late += 1
        self._work()


class Through:
    async def invoke(self, invoker, invocation):
        return await invoker.invoke(invocation)


def machine(options=True, **facts):
    made = Machine(None, **facts)
    made.filter = AdaptiveLimit(adaptive_limit=options, clock=lambda: made.now)
    return made


# What it is for: no time passes in these


@pytest.mark.parametrize("workers", [2, 20, 100])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_goodput_stays_at_five_times_capacity(workers, seed):
    """A provider that is asked for five times what it can do still does at least 80 % of its
    best, in time, from the first call on. Nobody had to find a number for the limit."""
    system = machine(workers=workers, seed=seed)
    peak = workers / system.service
    assert system.run(5 * peak, 20_000 / peak) > 0.8 * peak
    assert system.late < 0.02 * system.good


def test_goodput_breaks_down_without_a_limit():
    """The same load without a filter: all are served too late, so nothing is of use."""
    system = Machine(None)
    peak = system.workers / system.service
    assert system.run(5 * peak, 10) < 0.1 * peak


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_load_that_can_be_served_is_served(share):
    """Below its capacity a provider refuses next to nothing."""
    system = machine()
    rate = share * system.workers / system.service
    system.run(rate, 10)
    assert system.good > 0.98 * (system.good + system.late + system.refused)


def test_limit_follows_a_provider_that_becomes_slow():
    """When calls suddenly need ten times as long the new time is learned, and goodput is
    again that of the provider."""
    system = machine(patience=2.0)
    system.run(10_000, 5)
    system.service = 0.1
    peak = system.workers / system.service
    system.run(5 * peak, 60)
    assert system.run(5 * peak, 20) > 0.8 * peak


def test_limit_recovers_after_an_overload():
    """An overload leaves nothing behind: what comes after it is served."""
    system = machine()
    system.run(10_000, 5)
    system.run(1_000, 5)
    assert system.good > 0.98 * (system.good + system.late + system.refused)


def test_limit_stays_within_its_bounds():
    """min and max hold, whatever latency says."""
    system = machine({"initial": 20, "min": 15, "max": 25, "tolerance": 1.0})
    seen = set()
    count = system._work
    system._work = lambda: (seen.add(system.filter.limit_of(*HELLO)), count())
    system.run(10_000, 5)
    system.run(500, 5)
    assert min(seen) >= 15
    assert max(seen) <= 25


# One call


async def test_refusal_says_what_and_why():
    """It names the method, the limit now and the setting; the method did not run."""
    limit = AdaptiveLimit(adaptive_limit=1)
    gate = asyncio.Event()
    rest = FakeInvoker(function=lambda _: gate.wait())
    first = asyncio.create_task(limit.invoke(rest, invocation()))
    await asyncio.sleep(0)
    with pytest.raises(LimitExceeded, match=r"hello was refused: more than 1 .*`adaptive") as e:
        await limit.invoke(rest, invocation())
    assert e.value.status is Status.RESOURCE_EXHAUSTED
    assert e.value.sent is Sent.NOT_EXECUTED
    await limit.invoke(FakeInvoker("other"), invocation("other"))  # another method
    gate.set()
    await first
    await limit.invoke(rest, invocation())


@pytest.mark.parametrize("error", [asyncio.CancelledError(), DeadlineExceeded("late")])
async def test_place_comes_back_however_a_call_ends(error):
    """A call that fails or is cancelled takes no place with it."""
    limit = AdaptiveLimit(adaptive_limit=1)
    for _ in range(3):
        with pytest.raises(type(error)):
            await limit.invoke(FakeInvoker(error=error), invocation())


def test_quick_refusals_further_in_do_not_look_like_quick_calls():
    """What was raised sooner than a call needs does not count; a timeout does."""
    limit = Limit(10, 1, 100, 1.5)
    for number in range(10):
        limit.begin()
        limit.end(number, number + 1, True)
    before = limit._count, limit._sum
    limit.begin()
    limit.end(20, 20.001, False)
    assert (limit._count, limit._sum) == before
    limit.begin()
    limit.end(20, 25, False)
    assert limit._count == 1


def test_threads_share_a_limit():
    """Calls of many threads are counted right, and never more than the limit run."""
    limit = Limit(5, 5, 5, 1.5)
    over = []

    def work():
        for _ in range(2_000):
            if limit.begin():
                if limit.active > 5:
                    over.append(limit.active)
                limit.end(0, 0, False)

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (limit.active, over) == (0, [])


# Configuration


def test_methods_may_stand_outside():
    """A method's own setting holds for it; False is no limit."""
    made = AdaptiveLimit.configure(
        FilterSettings(
            {"adaptive_limit": True},
            {"watch": {"adaptive_limit": False}, "find": {"adaptive_limit": {"initial": 7}}},
        )
    )
    assert made.limit_of("s", "hello") == 20
    assert made.limit_of("s", "find") == 7
    assert made.limit_of("s", "watch") is None


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"maximum": 5}, "there is no 'maximum': it has initial, min, max, tolerance"),
        ({"initial": 5, "max": 4}, "1 <= min <= initial <= max"),
        ({"min": 0}, "1 <= min"),
        (-1, "1 <= min"),
        ({"tolerance": 0.5}, r"tolerance=0.5"),
    ],
)
def test_bad_options_are_told(options, match):
    """They are found when the filter is made."""
    with pytest.raises(ValueError, match=match):
        AdaptiveLimit(adaptive_limit=options)


@facade.service("demo.Shop")
class Shop:
    async def find(self) -> str: ...


class ShopImpl(Shop):
    async def find(self) -> str:
        return "found"


async def test_setting_switches_it_on_at_either_end():
    """adaptive_limit= of export and refer; True and numbers are good."""
    server = facade.Server()
    assert "adaptive_limit" in repr(server.export(Shop, ShopImpl(), adaptive_limit=50).invoker)
    settings = {"adaptive_limit": True}
    async with connected((Shop, ShopImpl()), filter_settings=settings, timeout=10) as client:
        assert "adaptive_limit" in repr(client.invoker)
        assert await client.refer(Shop).find() == "found"
