"""A cluster, as settings say it."""

from collections.abc import Awaitable, Callable, Mapping

from facade.cluster.available import Available
from facade.cluster.balance import balancers
from facade.cluster.broadcast import Broadcast
from facade.cluster.chooser import Chooser
from facade.cluster.cluster import Cluster
from facade.cluster.directory import Directory
from facade.cluster.failback import Failback
from facade.cluster.failfast import Failfast
from facade.cluster.failover import Failover
from facade.cluster.failsafe import Failsafe
from facade.cluster.forking import Forking
from facade.cluster.mergeable import Mergeable
from facade.cluster.mock import NO_MOCK, Mock
from facade.core.attempt import Plan, plans
from facade.core.cluster import KEYS as KEYS
from facade.core.filter import Invoker
from facade.core.hint import hint
from facade.core.invocation import Invocation
from facade.core.repeat import RepeatBudget
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings


def _failover(chooser: Chooser, settings: FilterSettings) -> Cluster:
    share = settings.get("retry_budget", 0.1)
    if not share >= 0:
        raise ValueError(f"retry_budget={share}: a share of the calls, 0 or more")
    plan = ByMethod(*plans(settings, Plan(retries=2)))
    return Failover(chooser, plan, budget=RepeatBudget(share))


def _failback(chooser: Chooser, settings: FilterSettings) -> Cluster:
    return Failback(
        chooser,
        retries=settings.get("failback_retries", 3),
        pause=settings.get("failback_pause", 5.0),
        tasks=settings.get("failback_tasks", 100),
    )


CLUSTERS: Mapping[str, Callable[[Chooser, FilterSettings], Cluster]] = {
    "failover": _failover,
    "failfast": lambda chooser, settings: Failfast(chooser),
    "failsafe": lambda chooser, settings: Failsafe(chooser),
    "failback": _failback,
    "forking": lambda chooser, settings: Forking(chooser, forks=settings.get("forks", 2)),
    "broadcast": lambda chooser, settings: Broadcast(
        chooser, fail_percent=settings.get("broadcast_fail_percent", 100)
    ),
    "available": lambda chooser, settings: Available(chooser),
    "mergeable": lambda chooser, settings: Mergeable(chooser, merger=settings.by_method("merger")),
}


class Clusters:
    """The clusters of one service, each for its methods, over one directory.

    cluster   "failover" where nothing is said; a method may have another one than its service
    KEYS      what else the settings say

    ValueError for what can't be.
    """

    invoke: Callable[[Invocation], Awaitable[Result]]

    def __init__(self, directory: Directory, settings: FilterSettings | None = None) -> None:
        settings = settings if settings is not None else FilterSettings()
        self.directory = directory
        chooser = Chooser(
            directory, balancers(settings), sticky=settings.by_method("sticky", False)
        )
        names = settings.by_method("cluster", "failover")
        self._made = {
            name: _maker(name)(chooser, settings) for name in {names.default, *names.values()}
        }
        self._by_method = ByMethod(
            {method: self._made[name] for method, name in names.items()},
            self._made[names.default],
        )
        # A step less for each call, where there is nothing to choose.
        self.invoke = self._invoke if names else self._made[names.default].invoke

    @property
    def available(self) -> bool:
        """Whether a call would find an endpoint that is connected."""
        made: Cluster = self._by_method.default
        return made.available

    def _invoke(self, invocation: Invocation) -> Awaitable[Result]:
        cluster: Cluster = self._by_method[invocation.name]
        return cluster.invoke(invocation)

    async def close(self) -> None:
        """Let calls under way end, and hang up."""
        for cluster in self._made.values():
            await cluster.close()
        await self.directory.close()

    def __repr__(self) -> str:
        return repr(self._by_method.default)


def mocked(invoker: Invoker, settings: FilterSettings) -> Invoker:
    """Around all filters of a call: ``mock`` and ``mock_force``, where anything says them."""
    mocks = settings.by_method("mock", NO_MOCK)
    if mocks.default is NO_MOCK and not mocks:
        if settings.all("mock_force"):
            raise ValueError("mock_force is said, but no mock: what is the answer?")
        return invoker
    return Mock(invoker, mock=mocks, force=settings.by_method("mock_force", False))


def _maker(name: str) -> Callable[[Chooser, FilterSettings], Cluster]:
    if name not in CLUSTERS:
        meant = hint(str(name), CLUSTERS, f"there are: {', '.join(CLUSTERS)}")
        raise ValueError(f"cluster={name!r} is not known: {meant}")
    return CLUSTERS[name]
