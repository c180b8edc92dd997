"""Where the fewest calls are under way."""

from operator import attrgetter

from facade.cluster.balance.balancer import Balancer, Endpoints, Known, known, least
from facade.cluster.endpoint import Endpoint
from facade.core.invocation import Invocation

_ACTIVE = attrgetter("active")


class LeastActive(Balancer[Known]):
    """The endpoint with the fewest calls of this consumer under way, for its weight; among
    equals, by weight. (Dubbo: LeastActiveLoadBalance)

    A slow endpoint gets fewer calls, as those that it has stay longer.

    Mended: the calls are counted here, where Dubbo needs the filter active_limit; and where
    weights differ, twice the weight may have twice the calls under way.
    """

    times = False

    def prepare(self, endpoints: Endpoints) -> Known:
        return known(endpoints)

    def select(self, endpoints: Endpoints, invocation: Invocation) -> Endpoint:
        known = self.prepared(endpoints)
        if known.shares is None:
            return least(endpoints, list(map(_ACTIVE, endpoints)), known, self._random)
        return self._least(endpoints, known)

    def another(self, endpoints: Endpoints, rest: Endpoints, invocation: Invocation) -> Endpoint:
        return self._least(rest, known(rest))

    def _least(self, endpoints: Endpoints, known: Known) -> Endpoint:
        if known.shares is None:
            scores: list[float] = list(map(_ACTIVE, endpoints))
        else:
            scores = [e.active * part for e, part in zip(endpoints, known.parts, strict=True)]
        return least(endpoints, scores, known, self._random)
