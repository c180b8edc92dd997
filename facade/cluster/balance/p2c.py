"""The better of two, by what is known of their load."""

from math import sqrt
from typing import NamedTuple

from facade.cluster.balance.balancer import Balancer, Endpoints, draw, known
from facade.cluster.endpoint import Endpoint
from facade.core.invocation import Invocation


class Weights(NamedTuple):
    shares: list[float] | None
    parts: dict[Endpoint, float]


class P2C(Balancer[Weights]):
    """Of two endpoints, drawn by weight, that with the lower load. (Dubbo:
    AdaptiveLoadBalance)

    The load of an endpoint is a product: of 1 + what the provider itself says of its load (the
    attachment ``call.load`` of its answers), of 1 + the root of its average time in
    milliseconds, of 1 + its calls under way, for its weight; over the share of its calls that
    do not fail.

    Nearly as even as asking all of them, at the cost of two; and as no consumer flocks to
    the one that looks best, it holds where there are many consumers.

    Mended: Dubbo draws the two without their weights.
    """

    def prepare(self, endpoints: Endpoints) -> Weights:
        shares, parts = known(endpoints)
        return Weights(shares, dict(zip(endpoints, parts, strict=False)))

    def select(self, endpoints: Endpoints, invocation: Invocation) -> Endpoint:
        return self._better(endpoints, self.prepared(endpoints))

    def another(self, endpoints: Endpoints, rest: Endpoints, invocation: Invocation) -> Endpoint:
        return self._better(rest, self.prepare(rest))

    def _better(self, endpoints: Endpoints, weights: Weights) -> Endpoint:
        count = len(endpoints)
        if count == 1:
            return endpoints[0]
        if weights.shares is None:
            random = self._random
            first = int(random() * count)
            second = int(random() * (count - 1))
            one, two = endpoints[first], endpoints[second + (second >= first)]
            return two if load(two) < load(one) else one
        one = draw(endpoints, weights.shares, self._random)
        two = draw(endpoints, weights.shares, self._random)
        return two if load(two, weights.parts[two]) < load(one, weights.parts[one]) else one


def load(endpoint: Endpoint, part: float = 1.0) -> float:
    """How loaded it seems. ``part``: what one call weighs there, beside the average."""
    return (
        (1.0 + endpoint.load)
        * (1.0 + sqrt(endpoint.latency * 1000.0))
        * (1.0 + endpoint.active * part)
        / (1.0 - min(endpoint.failing, 0.99))
    )
