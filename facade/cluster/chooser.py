"""Who is called: of those there are, those that routers let through, and the balancer's choice."""

from collections.abc import Container
from typing import Any

from facade.cluster.balance import Balancer, Random
from facade.cluster.directory import Directory
from facade.cluster.endpoint import Endpoint
from facade.cluster.failure import no_provider
from facade.cluster.health import State
from facade.cluster.router import Endpoints
from facade.core.invocation import Invocation
from facade.core.settings import ByMethod


class Chooser:
    """Chooses the endpoint of an attempt. (Dubbo: AbstractClusterInvoker#select)

    sticky   stay with one endpoint as long as it can be called: all methods together, and one
             that says it for itself on its own
    """

    def __init__(
        self,
        directory: Directory,
        balancers: ByMethod | Balancer[Any] | None = None,
        *,
        sticky: ByMethod | bool = False,
    ) -> None:
        self.directory = directory
        if balancers is None:
            balancers = Random()
        if not isinstance(balancers, ByMethod):
            balancers = ByMethod({}, balancers)
        self._balancers = balancers
        self._sticky = sticky if isinstance(sticky, ByMethod) else ByMethod({}, sticky)
        self._sticks = self._sticky.default or any(self._sticky.values())
        self._kept: dict[str, Endpoint] = {}

    def all(self, invocation: Invocation) -> Endpoints:
        """Those that this call may go to: at least one, or Unavailable (NO_INVOKER_AVAILABLE)."""
        endpoints = self.directory.list(invocation)
        if not endpoints:
            raise no_provider(invocation, self.directory)
        return endpoints

    def choose(self, invocation: Invocation, tried: Container[Endpoint] = ()) -> Endpoint:
        """One that was not ``tried`` and is available; where there is none, another one."""
        endpoints = self.all(invocation)
        if not self._sticks or not self._sticky[invocation.name]:
            return self.among(endpoints, invocation, tried)
        slot = invocation.name if invocation.name in self._sticky else ""
        kept = self._kept.get(slot)
        if kept is None or kept not in endpoints or kept in tried or not kept.available:
            kept = self._kept[slot] = self.among(endpoints, invocation, tried)
        return kept

    def among(
        self, endpoints: Endpoints, invocation: Invocation, tried: Container[Endpoint] = ()
    ) -> Endpoint:
        balancers = self._balancers
        balancer: Balancer[Any] = balancers.get(invocation.name, balancers.default)
        if len(endpoints) == 1:
            return endpoints[0]
        chosen = balancer.select(endpoints, invocation)
        if chosen.available:
            if chosen not in tried:
                return chosen
        elif chosen.state is State.UP:
            chosen.lost()
        available = [e for e in endpoints if e.available]
        rest = [e for e in available if e not in tried] or available
        if rest:
            return balancer.another(endpoints, rest, invocation)
        if chosen not in tried:
            return chosen
        after = endpoints.index(chosen) + 1
        return next((e for e in endpoints if e not in tried), endpoints[after % len(endpoints)])
