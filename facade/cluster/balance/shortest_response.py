"""Where the answer is likely to come first."""

from facade.cluster.balance.balancer import Balancer, Endpoints, Known, known, least
from facade.cluster.endpoint import Endpoint
from facade.core.invocation import Invocation

# Seconds. An endpoint that is not known yet counts as one that answers in that time, so that
# its calls under way still count.
_LEAST = 0.0001


class ShortestResponse(Balancer[Known]):
    """The endpoint with the lowest product of its average time and the calls that it would have
    under way; among equals, by weight. (Dubbo: ShortestResponseLoadBalance)

    For endpoints that are not equally fast. The averages are this consumer's own: moving ones,
    of all methods, which sink while an endpoint gets no calls, so that it is tried again.
    """

    def prepare(self, endpoints: Endpoints) -> Known:
        return known(endpoints)

    def select(self, endpoints: Endpoints, invocation: Invocation) -> Endpoint:
        return self._shortest(endpoints, self.prepared(endpoints))

    def another(self, endpoints: Endpoints, rest: Endpoints, invocation: Invocation) -> Endpoint:
        return self._shortest(rest, known(rest))

    def _shortest(self, endpoints: Endpoints, known: Known) -> Endpoint:
        if known.shares is None:
            scores = [(e.latency or _LEAST) * (e.active + 1) for e in endpoints]
        else:
            scores = [
                (e.latency or _LEAST) * (e.active * part + 1)
                for e, part in zip(endpoints, known.parts, strict=True)
            ]
        return least(endpoints, scores, known, self._random)
