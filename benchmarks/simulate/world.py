"""Consumers and providers on a virtual clock: what happens, one thing after the other."""

import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from math import inf
from random import Random
from statistics import fmean
from typing import Any

from benchmarks.simulate.provider import PLACES, Provider
from benchmarks.simulate.scenario import Scenario
from benchmarks.simulate.work import Work
from facade import registry
from facade.cluster import Chooser, Directory, Failfast, named_balancer
from facade.core.errors import DeadlineExceeded, RpcError, Unavailable
from facade.core.invocation import Invocation
from facade.core.result import Result

# Seconds until a provider that refuses calls has done so.
REFUSAL = 0.001
# So many different arguments there are, each as likely as the others.
ARGUMENTS = 1_000_000


class Call:
    """One under way. ``consumer`` is what waits for it there, until it has its answer."""

    __slots__ = ("began", "consumer", "provider")

    def __init__(self, began: float, consumer: Coroutine[Provider, Any, Result]) -> None:
        self.began = began
        self.consumer: Coroutine[Provider, Any, Result] | None = consumer
        self.provider: Provider = consumer.send(None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a scenario. Seconds; those of calls that failed at once are not among
    ``took``, and those that timed out have the whole timeout there."""

    scenario: Scenario
    calls: int
    took: list[float]
    timeouts: int
    refused: int
    # Calls of each provider.
    spread: list[int]

    def percentile(self, share: float) -> float:
        return self.took[min(int(share * len(self.took)), len(self.took) - 1)]

    @property
    def busiest(self) -> float:
        """Calls of the provider that had most, as a multiple of the average."""
        return max(self.spread) / fmean(self.spread)


class World:
    """Runs a scenario once. All that chooses is the cluster's own: directory with health and
    ejection, chooser, balancer, cluster. Only what is behind an endpoint is made up."""

    def __init__(self, scenario: Scenario) -> None:
        self.now = 0.0
        self._scenario = scenario
        # When, a number for those of the same time, what, and to which call.
        self._events: list[tuple[float, int, Callable[[Call], None], Call]] = []
        self._number = count()
        self._took: list[float] = []
        self._calls = self._timeouts = self._refused = 0
        self._servers = scenario.servers()
        self._random = Random(f"callers {scenario.seed}").random
        random = Random(f"balancers {scenario.seed}").random
        ways = dict(zip(scenario.addresses(), self._servers, strict=True))
        self._consumers = [self._consumer(seen, ways, random) for seen in scenario.seen()]

    def _consumer(
        self,
        seen: Sequence[registry.Provider],
        ways: Mapping[str, Provider],
        random: Callable[[], float],
    ) -> Failfast:
        directory = Directory(
            lambda provider: ways[provider.address],
            idle=None,
            clock=lambda: self.now,
            wall=lambda: self.now,
        )
        directory.update(seen)
        name = self._scenario.balancer.removesuffix(" alone")
        return Failfast(Chooser(directory, named_balancer(name, random=random)))

    def run(self) -> Outcome:
        """All calls from the first to the answer of the last."""
        for due, work in self._arrivals():
            self._pass(due)
            self._begin(work)
        self._pass(inf)
        self._took.sort()
        spread = [server.calls for server in self._servers]
        return Outcome(
            self._scenario, self._calls, self._took, self._timeouts, self._refused, spread
        )

    def _arrivals(self) -> Iterator[tuple[float, float]]:
        """When calls come, and what they take. The same for each way to choose."""
        scenario = self._scenario
        rng = Random(f"arrivals {scenario.seed}")
        work = Work(scenario.work, Random(f"work {scenario.seed}"))
        rate = scenario.load * scenario.providers * PLACES / scenario.work
        due = 0.0
        while True:
            for takes in work.draw(1000):
                due += rng.expovariate(rate)
                if due >= scenario.warmup + scenario.seconds:
                    return
                yield due, takes

    def _pass(self, until: float) -> None:
        """Let happen what happens until then."""
        events = self._events
        while events and events[0][0] <= until:
            self.now, _, happens, call = heappop(events)
            happens(call)
        if until < inf:
            self.now = until

    def _at(self, when: float, happens: Callable[[Call], None], call: Call) -> None:
        heappush(self._events, (when, next(self._number), happens, call))

    def _begin(self, work: float) -> None:
        random = self._random
        consumer = self._consumers[int(random() * len(self._consumers))]
        argument = int(random() * ARGUMENTS)
        call = Call(self.now, consumer.invoke(Invocation("demo.Shop", "find", (argument,))))
        provider = call.provider
        ends = provider.take(self.now, work)
        if provider.fails:
            self._at(self.now + REFUSAL, self._refuse, call)
            return
        if ends < inf:
            self._at(ends, self._end, call)
        if ends - self.now > self._scenario.timeout:
            self._at(self.now + self._scenario.timeout, self._expire, call)

    def _end(self, call: Call) -> None:
        result = call.provider.end()
        if call.consumer is None:
            return  # it was not waited for
        try:
            call.consumer.send(result)
        except StopIteration:
            self._note(call, self.now - call.began)

    def _expire(self, call: Call) -> None:
        self._throw(call, DeadlineExceeded("its time was up"))
        if self._note(call, self._scenario.timeout):
            self._timeouts += 1

    def _refuse(self, call: Call) -> None:
        call.provider.end()
        self._throw(call, Unavailable("it is not well"))
        if self._note(call, None):
            self._refused += 1

    def _throw(self, call: Call, error: RpcError) -> None:
        consumer, call.consumer = call.consumer, None
        assert consumer is not None
        with suppress(RpcError):
            consumer.throw(error)

    def _note(self, call: Call, took: float | None) -> bool:
        """Whether it counts."""
        if call.began < self._scenario.warmup:
            return False
        self._calls += 1
        if took is not None:
            self._took.append(took)
        return True


def simulate(scenario: Scenario) -> Outcome:
    # Ejections are told in the log: here they are by the hundred.
    logger = logging.getLogger("facade")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return World(scenario).run()
    finally:
        logger.setLevel(level)
