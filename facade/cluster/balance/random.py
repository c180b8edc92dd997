"""Any of them, by weight."""

from facade.cluster.balance.balancer import Balancer, Endpoints, draw, shares
from facade.cluster.endpoint import Endpoint
from facade.core.invocation import Invocation


class Random(Balancer[list[float] | None]):
    """Each endpoint is as likely as its weight. (Dubbo: RandomLoadBalance)

    Needs no state, and many consumers do not fall into step. Over few calls it is uneven.
    """

    times = False

    def prepare(self, endpoints: Endpoints) -> list[float] | None:
        return shares(endpoints)

    def select(self, endpoints: Endpoints, invocation: Invocation) -> Endpoint:
        latest = self._latest
        known = latest is not None and latest[0] is endpoints
        shares = latest[1] if known else self.prepared(endpoints)  # type: ignore[index]
        if shares is None:
            return endpoints[int(self._random() * len(endpoints))]
        return draw(endpoints, shares, self._random)
