"""Who serves what, and where: providers announce themselves, consumers are told."""

from facade.registry.opening import is_registry, open_registry
from facade.registry.provider import Provider
from facade.registry.registry import Registry
from facade.registry.subscription import Changed, Subscription
from facade.registry.target import Target, parse

__all__ = [
    "Changed",
    "Provider",
    "Registry",
    "Subscription",
    "Target",
    "is_registry",
    "open_registry",
    "parse",
]
