"""Which endpoint a call goes to: the ways there are, by name."""

import inspect
from collections.abc import Mapping
from typing import Any

from facade.cluster.balance.balancer import Balancer
from facade.cluster.balance.consistent_hash import ConsistentHash
from facade.cluster.balance.least_active import LeastActive
from facade.cluster.balance.p2c import P2C
from facade.cluster.balance.random import Random
from facade.cluster.balance.round_robin import RoundRobin
from facade.cluster.balance.shortest_response import ShortestResponse
from facade.core.hint import hint
from facade.core.settings import ByMethod, FilterSettings

__all__ = [
    "BALANCERS",
    "Balancer",
    "ConsistentHash",
    "LeastActive",
    "P2C",
    "Random",
    "RoundRobin",
    "ShortestResponse",
    "named_balancer",
    "balancers",
]

BALANCERS: Mapping[str, type[Balancer[Any]]] = {
    "random": Random,
    "round_robin": RoundRobin,
    "least_active": LeastActive,
    "shortest_response": ShortestResponse,
    "consistent_hash": ConsistentHash,
    "p2c": P2C,
}

# The settings that some of them read beside their name.
KEYS = ("hash_arguments", "hash_nodes")


def named_balancer(name: str | Balancer[Any], **settings: Any) -> Balancer[Any]:
    """Make one by its name. It is given those settings that are its own.

    ValueError for a name that there is not.
    """
    if isinstance(name, Balancer):
        return name
    kind = BALANCERS.get(name) if isinstance(name, str) else None
    if kind is None:
        meant = hint(str(name), BALANCERS, f"there are: {', '.join(BALANCERS)}")
        raise ValueError(f"loadbalance={name!r} is not known: {meant}")
    takes = inspect.signature(kind).parameters
    return kind(**{key: value for key, value in settings.items() if key in takes})


def balancers(settings: FilterSettings, default: str | Balancer[Any] = "random") -> ByMethod:
    """By method: what ``loadbalance``, ``hash_arguments`` and ``hash_nodes`` say."""
    said = {key: settings.by_method(key) for key in ("loadbalance", *KEYS)}
    names = said.pop("loadbalance")

    def make(name: str, chosen: Any) -> Balancer[Any]:
        own = {key: values[name] for key, values in said.items()}
        return named_balancer(chosen or default, **{k: v for k, v in own.items() if v is not None})

    methods = set(names).union(*said.values())
    return ByMethod({m: make(m, names[m]) for m in methods}, make("", names.default))
