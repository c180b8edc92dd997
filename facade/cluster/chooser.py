"""Who is called: of those there are, those that routers let through, and the balancer's choice."""

from collections.abc import Container
from typing import Any

from facade.cluster.balance import Balancer, Random
from facade.cluster.directory import Directory
from facade.cluster.endpoint import Endpoint
from facade.cluster.failure import no_provider
from facade.cluster.health import State
from facade.cluster.router import Endpoints
from facade.cluster.tag import TAG
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
        if any(each.times for each in (balancers.default, *balancers.values())):
            directory.time_calls()
        # That of all methods, where they have the same one.
        self._balancer: Balancer[Any] | None = None if balancers else balancers.default
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
        directory = self.directory
        endpoints: Endpoints = ()
        if TAG not in invocation.attachments and directory.clock() < directory.until:
            endpoints = directory.steady
        if not endpoints:
            endpoints = self.all(invocation)
        if not self._sticks or not self._sticky[invocation.name]:
            if tried or self._balancer is None:
                return self.among(endpoints, invocation, tried)
            if len(endpoints) == 1:
                return endpoints[0]
            # Most calls end here.
            chosen = self._balancer.select(endpoints, invocation)
            way = chosen.invoker
            if way is None or way.available:
                return chosen
            return self._instead(chosen, endpoints, invocation, tried)
        slot = invocation.name if invocation.name in self._sticky else ""
        kept = self._kept.get(slot)
        if kept is None or kept not in endpoints or kept in tried or not kept.available:
            kept = self._kept[slot] = self.among(endpoints, invocation, tried)
        return kept

    def among(
        self, endpoints: Endpoints, invocation: Invocation, tried: Container[Endpoint] = ()
    ) -> Endpoint:
        if len(endpoints) == 1:
            return endpoints[0]
        chosen = self._of(invocation).select(endpoints, invocation)
        if chosen.available and chosen not in tried:
            return chosen
        return self._instead(chosen, endpoints, invocation, tried)

    def _of(self, invocation: Invocation) -> Balancer[Any]:
        balancer: Balancer[Any] = self._balancers.get(invocation.name, self._balancers.default)
        return balancer

    def _instead(
        self,
        chosen: Endpoint,
        endpoints: Endpoints,
        invocation: Invocation,
        tried: Container[Endpoint],
    ) -> Endpoint:
        """Another one, if there is a better one than the balancer's choice."""
        if not chosen.available and chosen.state is State.UP:
            chosen.lost()
        available = [e for e in endpoints if e.available]
        rest = [e for e in available if e not in tried] or available
        if rest:
            return self._of(invocation).another(endpoints, rest, invocation)
        if chosen not in tried:
            return chosen
        after = endpoints.index(chosen) + 1
        return next((e for e in endpoints if e not in tried), endpoints[after % len(endpoints)])
