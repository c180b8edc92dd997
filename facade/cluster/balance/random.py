"""Any of them, by weight."""

from facade.cluster.balance.balancer import Balancer, Endpoints, draw, shares
from facade.cluster.endpoint import Endpoint
from facade.core.invocation import Invocation


class Random(Balancer[list[float] | None]):
    """Each endpoint is as likely as its weight. (Dubbo: RandomLoadBalance)

    Needs no state, and many consumers do not fall into step. Over few calls it is uneven.
    """

    def prepare(self, endpoints: Endpoints) -> list[float] | None:
        return shares(endpoints)

    def select(self, endpoints: Endpoints, invocation: Invocation) -> Endpoint:
        return draw(endpoints, self.prepared(endpoints), self._random)
