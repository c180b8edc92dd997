"""One after the other, by weight."""

import random
from collections.abc import Callable, Sequence

from facade.cluster.balance.balancer import MOST, Balancer, Endpoints
from facade.cluster.endpoint import Endpoint
from facade.core.invocation import Invocation


class Turns:
    """Whose turn it is, for one method: smooth weighted round robin, as nginx does it.

    Each turn all gain their weight, and the one that has most pays the sum of all. So the turns
    of a heavy one are spread between those of the light ones: 5, 1, 1 is a a b a c a a.
    """

    __slots__ = ("_even", "_gained", "_next", "_total", "_weights", "endpoints")

    def __init__(self, endpoints: Endpoints, before: "Sequence[Turns]", start: float) -> None:
        self.endpoints = endpoints
        self._weights = [endpoint.weight for endpoint in endpoints]
        self._total = sum(self._weights)
        self._even = min(self._weights) == max(self._weights)
        # Not all consumers are to begin with the same one; the next list goes on behind it.
        last = before[-1].last if before else None
        self._next = endpoints.index(last) if last in endpoints else int(start * len(endpoints))
        # Who was there before keeps what it has, or each change would begin with the heaviest.
        gained = {at: have for turns in before for at, have in turns.gains().items()}
        self._gained = [gained.get(id(endpoint), 0.0) for endpoint in endpoints]

    @property
    def last(self) -> Endpoint:
        """Whose turn it was, where all are alike."""
        return self.endpoints[self._next]

    def gains(self) -> dict[int, float]:
        pairs = zip(self.endpoints, self._gained, strict=True)
        return {id(endpoint): gained for endpoint, gained in pairs}

    def take(self) -> Endpoint:
        if self._even:
            self._next = turn = (self._next + 1) % len(self.endpoints)
            return self.endpoints[turn]
        gained = [have + weight for have, weight in zip(self._gained, self._weights, strict=True)]
        turn = gained.index(max(gained))
        gained[turn] -= self._total
        self._gained = gained
        return self.endpoints[turn]


class RoundRobin(Balancer[None]):
    """Each endpoint in its turn, and as often as its weight says; each method has turns of its
    own. (Dubbo: RoundRobinLoadBalance)

    The most even where calls are alike. It gives a slow endpoint as many calls as a fast one.
    """

    times = False

    def __init__(self, *, random: Callable[[], float] = random.random) -> None:
        super().__init__(random=random)
        # By service, method and list, which its turns keep, so that its id stays its own.
        self._turns: dict[tuple[str, str, int], Turns] = {}

    def select(self, endpoints: Endpoints, invocation: Invocation) -> Endpoint:
        key = (invocation.service, invocation.name, id(endpoints))
        turns = self._turns.get(key)
        if turns is None:
            before = self._before(*key[:2])
            turns = self._turns[key] = Turns(endpoints, before, self._random())
        return turns.take()

    def _before(self, service: str, name: str) -> list[Turns]:
        """The turns of other lists of this method, the newest last. Many are let go of."""
        mine = [key for key in list(self._turns) if key[:2] == (service, name)]
        known = [turns for key in mine if (turns := self._turns.get(key)) is not None]
        if len(mine) >= MOST:
            for key in mine:
                self._turns.pop(key, None)
        return known
