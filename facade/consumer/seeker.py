"""What is asked of many providers beside calls."""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from facade.core.chain import is_available
from facade.core.errors import Code, RpcError, Sent, Unavailable
from facade.core.method import service_key
from facade.exchange.description import ProviderDescription
from facade.registry.target import hidden

if TYPE_CHECKING:
    from facade.consumer.clustered import ClusterWire

# Seconds between looks at whether one is connected.
_LOOK = 0.01


class Seeker:
    """Finds one that can answer; of those that answer, how they do."""

    def __init__(self, wire: "ClusterWire") -> None:
        self._wire = wire
        self.target = hidden(wire.target)

    @property
    def late(self) -> int:
        """How many answers came when nobody waited any more, of those that are connected."""
        return sum(wire.connector.late for wire in self._wire.wires)

    async def ready(self, timeout: float) -> None:
        """That of each service which is referred to one provider is connected."""
        self._check()
        until = monotonic() + timeout
        await asyncio.gather(*(self._reach(key, until) for key in list(self._wire.watches)))

    async def _reach(self, key: str, until: float) -> None:
        watch = self._wire.watches[key]
        for scope in self._wire.scopes:
            if scope.key != key:
                continue
            directory = scope.clusters[0].directory
            await watch.follow(directory, max(0.001, until - monotonic()), "ready()")
            directory.begin()
            while not is_available(scope.ends.plain):
                if monotonic() > until:
                    raise Unavailable(
                        f"ready(): none of the {directory.size} providers of {key} that "
                        f"{self._wire.place} names is connected",
                        code=Code.NO_INVOKER_AVAILABLE,
                        sent=Sent.NOT_SENT,
                    )
                await asyncio.sleep(_LOOK)
                directory.changed()
                directory.begin()

    async def describe(
        self, timeout: float, service: str, group: str, version: str
    ) -> ProviderDescription:
        """Of the first provider that answers."""
        self._check()
        if self._wire.named.service:
            service, _, group, version = self._wire.named.fitting(service, group, version)
        until = monotonic() + timeout
        watch = self._wire.watch(service_key(service, group, version) if service else "*")
        failure: RpcError | None = None
        for provider in await watch.told(timeout, "describe()"):
            left = until - monotonic()
            if failure is not None and left <= 0:
                break
            wire = self._wire.wires.take(provider)
            try:
                return await wire.describer.describe(max(0.001, left), service, group, version)
            except RpcError as error:
                failure = error
            finally:
                self._wire.wires.leave(wire)
        raise failure or Unavailable(
            f"describe(): {self._wire.place} names no provider of {watch.key}",
            code=Code.NO_INVOKER_AVAILABLE,
            sent=Sent.NOT_SENT,
        )

    def _check(self) -> None:
        if self._wire.closed:
            raise Unavailable("the client is closed: make another", sent=Sent.NOT_SENT)
