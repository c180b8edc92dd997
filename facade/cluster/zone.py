"""Calls stay in the consumer's own zone while they can. (Dubbo: ZoneAwareClusterInvoker)"""

from facade.cluster.endpoint import Endpoint
from facade.cluster.router import Endpoints, Filtered
from facade.core.invocation import Invocation


class ZoneRouter:
    """Providers of this ``zone``, by their parameter ``zone``, before all others.

    While none of them can be used (connected, and neither draining nor ejected, with a weight
    that is not 0), calls go to the others; and come back when one can.
    """

    def __init__(self, zone: str) -> None:
        if not zone:
            raise ValueError("zone: which one? It is the name that providers publish")
        self._zone = zone
        self._filtered = Filtered()

    def route(self, endpoints: Endpoints, invocation: Invocation) -> Endpoints:
        own = self._filtered.of(endpoints, self._zone, self._is_near)
        if any(map(_takes_calls, own)):
            return own
        # Where nobody can be used yet, the near ones are waited for.
        return endpoints if not own or any(map(_takes_calls, endpoints)) else own

    def _is_near(self, endpoint: Endpoint) -> bool:
        return endpoint.provider.zone == self._zone

    def __repr__(self) -> str:
        return f"ZoneRouter({self._zone!r})"


def _takes_calls(endpoint: Endpoint) -> bool:
    return endpoint.usable and endpoint.weight > 0
