"""Which of several endpoints a call goes to."""

import random
from abc import ABC, abstractmethod
from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import ClassVar, Generic, NamedTuple, TypeVar

from facade.cluster.endpoint import Endpoint
from facade.core.invocation import Invocation

Endpoints = Sequence[Endpoint]

T = TypeVar("T")

# So many lists are kept: one for each way to route, and the last one of each.
MOST = 16


class Balancer(ABC, Generic[T]):
    """Chooses an endpoint for each call. (Dubbo: LoadBalance)

    The list is the same object as long as its members and their weights are the same: what
    is made of it by ``prepare`` is kept as long.

    Any number of threads may call ``select``; at worst two of them are given the same turn.
    """

    # Whether it goes by the latency of the endpoints: where none does, calls are spared two looks
    # at the clock.
    times: ClassVar[bool] = True

    def __init__(self, *, random: Callable[[], float] = random.random) -> None:
        # Gives numbers from 0 to 1, without 1.
        self._random = random
        self._prepared: dict[int, tuple[Endpoints, T]] = {}
        # That of the list that was asked for last: mostly it is the next one, too.
        self._latest: tuple[Endpoints, T] | None = None

    def prepare(self, endpoints: Endpoints) -> T:
        """What is worth knowing of a list, if anything: ``prepared`` gives it."""
        raise NotImplementedError

    @abstractmethod
    def select(self, endpoints: Endpoints, invocation: Invocation, /) -> Endpoint:
        """One of them, of which there is at least one."""

    def another(self, endpoints: Endpoints, rest: Endpoints, invocation: Invocation, /) -> Endpoint:
        """One of ``rest``, of which there is at least one: the others of ``endpoints`` were tried
        before, or can't be called."""
        return drawn(rest, self._random)

    def prepared(self, endpoints: Endpoints) -> T:
        """What ``prepare`` gave for this list; it is asked once."""
        latest = self._latest
        if latest is not None and latest[0] is endpoints:
            return latest[1]
        found = self._prepared.get(id(endpoints))
        if found is None:
            if len(self._prepared) >= MOST:
                self._prepared.clear()
            # The list is kept, too, so that its id stays its own.
            found = self._prepared[id(endpoints)] = (endpoints, self.prepare(endpoints))
        self._latest = found
        return found[1]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def shares(endpoints: Endpoints) -> list[float] | None:
    """The weights, added up one by one. None where all are the same."""
    weights = [endpoint.weight for endpoint in endpoints]
    return None if min(weights) == max(weights) else list(accumulate(weights))


def drawn(endpoints: Endpoints, random: Callable[[], float]) -> Endpoint:
    """One of them, by weight."""
    return draw(endpoints, shares(endpoints), random)


def draw(endpoints: Endpoints, shares: list[float] | None, random: Callable[[], float]) -> Endpoint:
    if shares is None:
        return endpoints[int(random() * len(endpoints))]
    # By rounding a number may come out as the sum of all.
    return endpoints[bisect(shares, random() * shares[-1], 0, len(shares) - 1)]


class Known(NamedTuple):
    """What the weights of a list say."""

    # Added up one by one; None where all are the same.
    shares: list[float] | None
    # How much one call weighs at each: 1.0 on average. Empty where all are the same.
    parts: list[float]


def known(endpoints: Endpoints) -> Known:
    added = shares(endpoints)
    if added is None:
        return Known(None, [])
    average = added[-1] / len(endpoints)
    # A weight of 0 is not in a list with others.
    return Known(added, [average / max(endpoint.weight, 1e-9) for endpoint in endpoints])


def least(
    endpoints: Endpoints, scores: list[float], known: Known, random: Callable[[], float]
) -> Endpoint:
    """That with the lowest score; of several, by weight."""
    lowest = min(scores)
    count = scores.count(lowest)
    if count == 1:
        return endpoints[scores.index(lowest)]
    if count == len(endpoints):
        if known.shares is None:
            return endpoints[int(random() * count)]
        return draw(endpoints, known.shares, random)
    if known.shares is None:
        at = -1
        for _ in range(int(random() * count) + 1):
            at = scores.index(lowest, at + 1)
        return endpoints[at]
    equals = [e for e, score in zip(endpoints, scores, strict=True) if score == lowest]
    return drawn(equals, random)
