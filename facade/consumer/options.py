"""What a client of many providers can be told, beside what every client can."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from facade.core.cluster import KEYS
from facade.core.hint import suggest
from facade.exchange.injvm import place
from facade.exchange.port import check_port
from facade.exchange.security import in_the_open
from facade.service import check_seconds

if TYPE_CHECKING:
    from facade.cluster import Health, Router, Subset
    from facade.exchange.tls import ClientTls

# What filters do, too: a client of one provider takes these.
_FILTERED = ("retries", "retry_backoff", "retry_backoff_max", "attempt_timeout", "retry_budget")


class ClusterOptions(TypedDict, total=False):
    """Settings of clusters, for all services of a client; and of their directories, in the last
    rows: see facade.cluster.Directory."""

    cluster: str
    loadbalance: Any
    hash_arguments: Sequence[int]
    hash_nodes: int
    retries: int
    retry_backoff: float
    retry_backoff_max: float
    attempt_timeout: float | None
    retry_budget: float
    sticky: bool
    merger: Any
    mock: Any
    mock_force: bool
    failback_pause: float
    failback_retries: int
    failback_tasks: int
    forks: int
    broadcast_fail_percent: int

    routers: Sequence["Router"]
    subset: "int | Subset"
    zone: str
    health: "Health"
    idle: float | None
    keep: float


DIRECTORY = ("routers", "subset", "zone", "health", "idle", "keep")


def is_many(target: str) -> bool:
    """Whether a target says where providers are found, and is not one itself. ValueError for a
    scheme that there is not, and for what can't be a target."""
    if not isinstance(target, str) or not target:
        raise ValueError(f"{target!r} is no target: write it as HOST:PORT")
    _, colon, port = target.partition(":")
    if place(target) is None and (not port or port.lstrip("-").isdigit() or target[0] == "["):
        check_port(target)
    if not colon or port.isdigit() or target.startswith("injvm"):
        return False  # most name one, and need not load what knows registries
    from facade.registry import is_registry  # for those who may name one

    return is_registry(target)


def check_options(given: Mapping[str, Any], many: bool, client: Callable[..., Any]) -> None:
    """TypeError for what neither is one nor a parameter of ``client``; ValueError where it has one
    provider, and something is said that is for many."""
    for name in given:
        known = (*KEYS, *DIRECTORY)
        if name not in known:
            own = [*inspect.signature(client).parameters][1:-1]
            near = suggest(name, [*own, *known]) or f"there are: {', '.join([*own, *known])}"
            raise TypeError(f"a client has no parameter {name!r}: {near.rstrip()}")
        if not many:
            check_one((name,))


def check_one(names: Iterable[str]) -> None:
    """ValueError for settings that do nothing where there is one provider."""
    for name in names:
        if name in (*KEYS, *DIRECTORY) and name not in _FILTERED:
            raise ValueError(
                f"{name}= is for many providers, and the target is one: write it as "
                "static:HOST:PORT,HOST:PORT, or name a registry"
            )


def wire_of_many(given: Mapping[str, Any]) -> Callable[..., Any]:
    from facade.consumer.clustered import ClusterWire  # for those who have many

    return partial(ClusterWire, given)


def settings_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Those that services and methods may have, too."""
    return {name: value for name, value in given.items() if name in KEYS}


def readable(target: str, tls: "ClientTls | None") -> bool:
    """Whether others may read what is sent there."""
    if place(target) is not None:
        return False
    if target.startswith("static:"):
        hosts = target.removeprefix("static:").removeprefix("//").split(",")
        return any(in_the_open(host.strip(), tls) for host in hosts)
    return in_the_open(target, tls)


def check_values(timeout: float, propagate: Collection[str] | None) -> None:
    """ValueError or TypeError, which says what to change."""
    check_seconds(timeout, "timeout of the client")
    if isinstance(propagate, str):
        raise TypeError(f"propagate is a list of names: propagate=[{propagate!r}]")
