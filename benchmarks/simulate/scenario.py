"""What is simulated: how many of what kind, and who chooses how."""

from dataclasses import dataclass, replace
from functools import cache
from math import inf

from benchmarks.simulate.provider import Provider as Server
from facade.cluster import Subset
from facade.registry import Provider

# "p2c alone" is p2c where providers do not tell their load.
BALANCERS = (
    "random",
    "round_robin",
    "least_active",
    "shortest_response",
    "consistent_hash",
    "p2c alone",
    "p2c",
)
# What ails the providers.
EVEN, SLOW, BROKEN = "even", "slow", "broken"
AILS = {
    EVEN: "all providers alike",
    SLOW: "one in 10 is 3 times slower",
    BROKEN: "of 100 one refuses all calls, one answers none",
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """Times are seconds.

    ails      a key of AILS
    subset    so many providers for each consumer; None: all
    placed    each consumer knows its number: see ``Subset``
    load      how much of what healthy providers can do is asked of them
    work      what a call takes on average
    warmup    calls before that are not counted
    """

    balancer: str = "random"
    ails: str = EVEN
    subset: int | None = 20
    placed: bool = False
    consumers: int = 1000
    providers: int = 1000
    load: float = 0.6
    work: float = 0.05
    timeout: float = 1.0
    warmup: float = 1.5
    seconds: float = 2.0
    seed: int = 1

    def servers(self) -> list[Server]:
        told = self.balancer != "p2c alone"
        return [self._server(n, told) for n in range(self.providers)]

    def _server(self, number: int, told: bool) -> Server:
        if self.ails == SLOW and number % 10 == 3:
            return Server(3.0, told=told)
        if self.ails == BROKEN and number % 100 in (3, 33):
            return Server(inf, fails=number % 100 == 3, told=told)
        return Server(told=told)

    def addresses(self) -> list[str]:
        return [provider.address for provider in _providers(self.providers)]

    def seen(self) -> list[list[Provider]]:
        """The providers that each consumer uses."""
        return _seen(self.consumers, self.providers, self.subset, self.placed)

    def smaller(self, by: int) -> "Scenario":
        """The same with a part of the consumers and providers."""
        return replace(self, consumers=self.consumers // by, providers=self.providers // by)


@cache
def _providers(count: int) -> list[Provider]:
    return [Provider(f"10.0.{n // 250}.{n % 250}:50051", "demo.Shop") for n in range(count)]


@cache
def _seen(consumers: int, count: int, subset: int | None, placed: bool) -> list[list[Provider]]:
    providers = _providers(count)
    if subset is None or subset >= count:
        return [providers] * consumers
    return [
        Subset(subset, consumer=f"consumer-{n}", place=(n, consumers) if placed else None).rank(
            providers
        )[:subset]
        for n in range(consumers)
    ]
