"""How the calls of a client reach many providers."""

import asyncio
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from facade.cluster import Clusters, Directory, Subset, mocked
from facade.codec import CallingCodec
from facade.consumer.callbacks import Runner
from facade.consumer.chains import Chains, Ends
from facade.consumer.limit import Publishes
from facade.consumer.named import Named
from facade.consumer.options import DIRECTORY, settings_of
from facade.consumer.seeker import Seeker
from facade.consumer.watch import Watch
from facade.consumer.way import Way, Wires
from facade.consumer.wire import Wire
from facade.core.chain import is_available
from facade.core.errors import Code, Sent, Unavailable
from facade.core.filter import CONSUMER, Filter, Invoker
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import FilterSettings
from facade.exchange.description import ServiceDescription
from facade.exchange.handlers import Handlers
from facade.exchange.settings import Settings
from facade.exchange.tls import ClientTls
from facade.exchange.transport import GrpcTransport
from facade.loops import Home
from facade.plugins import FilterList, resolve
from facade.registry import Provider, open_registry, parse
from facade.registry.wanted import Wanted

# Seconds that a close waits for the registry.
_PATIENCE = 1.0


class ClusterWire:
    """A directory for each service that is referred to, with filters of the call around it, and
    those of an attempt at each provider. It stands where a client of one provider has a Wire."""

    def __init__(
        self,
        options: Mapping[str, Any],
        target: str,
        settings: Settings,
        limits: Publishes,
        handlers: Handlers,
        runner: Runner,
        *,
        tls: ClientTls | None,
        native: bool,
        connections: int,
        wait_for_ready: bool,
        callbacks: int,
        transport: None = None,
        **modes: bool,
    ) -> None:
        self.target = target
        self.place = parse(target).place
        self.named = Named.of(target)
        self._registry = open_registry(target, application=settings.application)
        self._options = {name: options[name] for name in DIRECTORY if name in options}
        if isinstance(subset := self._options.get("subset"), int):
            self._options["subset"] = Subset(subset)
        self._wait = wait_for_ready
        self.codecs: weakref.WeakSet[CallingCodec] = weakref.WeakSet()
        published = Published(limits)

        def make(provider: Provider) -> Wire:
            plain = native or not provider.exchange
            return Wire(
                provider.address,
                settings,
                published.by(provider.address),
                Handlers(None, None) if plain else handlers.apart(),
                runner,
                transport=None,
                tls=tls,
                native=plain,
                connections=0 if plain else connections,
                # Another provider is nearer than the end of a wait.
                wait_for_ready=False,
                callbacks=callbacks,
                codecs=self.codecs,
                **modes,
            )

        # What can't be, or not together, is an error now.
        make(Provider("127.0.0.1:1"))
        nowhere: Any = None
        Clusters(Directory(nowhere, **self._options), FilterSettings(settings_of(options)))
        self.wires = Wires(make, published.forget)
        self.watches: dict[str, Watch] = {}
        self._scopes: list[Scope] = []
        self._closed = False
        self._home = Home(f"this AsyncClient of {self.place}")
        self.end: Invoker = Undirected(self)
        self.streams = self.end
        self.callbacks = Everywhere(self)
        self.connector = self.describer = Seeker(self)

    def chains(
        self, key: str, filters: FilterList, settings: FilterSettings, *, shared: bool
    ) -> Chains:
        """Of a service with these filters and settings. ``shared``: those are the client's own
        filters, and the chains the same when asked again. Others are kept by who asks alone."""
        scope = self._scope(key, filters, settings)
        if shared and scope.chains is not None:
            return scope.chains
        chosen = self.resolve(filters, settings)
        chains = Chains(chosen, scope.ends, lambda invoker: mocked(invoker, settings))
        if shared:
            scope.chains = chains
        if scope not in self._scopes:
            self._scopes.append(scope)
        return chains

    def expect(self, filters: FilterList, settings: Mapping[str, Any]) -> None:
        """Calls of the service that the target names, where nothing is referred to yet."""
        if self.named.service and not self._scopes:
            self.chains(str(self.named), filters, FilterSettings(settings), shared=True)

    def _scope(self, key: str, filters: FilterList, settings: FilterSettings) -> "Scope":
        """That which says the same of attempts, else a new one."""
        used = [each for each in filters if getattr(each, "per_attempt", isinstance(each, str))]
        for scope in self._scopes:
            if scope.key == key and scope.filters == used and scope.says(settings):
                return scope
        watch = self.watch(key)
        named = _without_retry(used)

        def open(provider: Provider) -> Way:
            own = resolve(named, CONSUMER, settings, per_attempt=True)
            return Way(self.wires, self.wires.take(provider), own, watch.refresh)

        directory = Directory(open, service=key, registry=self.place, **self._options)
        plain = Clusters(directory, settings)
        # What is handed over at one provider is to be taken back there.
        sticky = Clusters(directory, _sticky(settings))
        ends = Ends(*(Told(watch, each) for each in (plain, sticky, plain)))
        return Scope(key, used, settings, ends, (plain, sticky))

    def resolve(self, filters: FilterList, settings: Mapping[str, Any]) -> list[Filter]:
        """The filters of a call, which see it once."""
        return resolve(_without_retry(filters), CONSUMER, settings, per_attempt=False)

    def watch(self, key: str) -> Watch:
        if key not in self.watches:
            Wanted.parse(key)
            self.watches[key] = Watch(
                self._registry, self.place, key, wait=self._wait, home=self._home
            )
        return self.watches[key]

    @property
    def scopes(self) -> Iterator["Scope"]:
        return iter(list(self._scopes))

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def native(self) -> GrpcTransport:
        """ValueError: one channel reaches one provider."""
        raise ValueError(
            f"{self.place} names many providers, and a channel is to one: give the client of "
            "generated stubs a target such as 'localhost:50051'"
        )

    async def close(self, grace: float) -> None:
        """Let calls under way end, at most ``grace`` seconds, and hang up everywhere. The registry
        is left meanwhile: one that does not answer is waited for a second.
        RuntimeError in another event loop than it is used in."""
        if self._home.ended:
            self._closed = True
            return  # and all of it with the loop
        self._home.check()
        self._closed = True
        self.wires.close(grace)
        leaving = asyncio.create_task(self._leave(), name="facade-leave")
        try:
            await asyncio.gather(
                *(cluster.close() for scope in self.scopes for cluster in scope.clusters),
                self.wires.left(),
            )
            await asyncio.gather(*(wire.close(grace) for wire in self.wires))
        finally:
            await leaving

    async def _leave(self) -> None:
        """Hear no more of providers."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await asyncio.gather(
                    *(watch.close() for watch in self.watches.values()), self._registry.close()
                )


@dataclass(slots=True, eq=False)
class Scope:
    """A service as one reference or several see it. It stays until the client is closed."""

    key: str
    filters: list[Any]
    settings: FilterSettings
    ends: Ends
    clusters: tuple[Clusters, ...]
    chains: Chains | None = None

    def says(self, settings: FilterSettings) -> bool:
        return list(self.settings.places()) == list(settings.places())


class Told:
    """Waits at the first call until it is known who provides; then it is out of the way."""

    def __init__(self, watch: Watch, clusters: Clusters) -> None:
        self._watch = watch
        self._clusters = clusters
        self.invoke = self._first

    async def _first(self, invocation: Invocation) -> Result:
        self._clusters.directory.check_open()
        await self._watch.called(self._clusters.directory, invocation)
        self.invoke = self._clusters.invoke  # type: ignore[assignment]
        return await self._clusters.invoke(invocation)

    @property
    def available(self) -> bool:
        """Whether a provider is connected; the next call would look, too."""
        return any(endpoint.connected for endpoint in self._clusters.directory.endpoints)

    def __repr__(self) -> str:
        return repr(self._clusters)


class Undirected:
    """For calls that name their service themselves, and for who asks how the client is."""

    def __init__(self, wire: ClusterWire) -> None:
        self._wire = wire

    @property
    def available(self) -> bool:
        return any(is_available(scope.ends.plain) for scope in self._wire.scopes)

    async def invoke(self, invocation: Invocation) -> Result:
        for scope in self._wire.scopes:
            if scope.key == invocation.service_key:
                return await scope.clusters[0].invoke(invocation)
        raise Unavailable(
            f"{invocation}: this client refers to no service {invocation.service_key}",
            code=Code.NO_INVOKER_AVAILABLE,
            sent=Sent.NOT_SENT,
        )

    def __repr__(self) -> str:
        return f"Cluster({self._wire.place!r})"


class Everywhere(Undirected):
    """The callbacks that were handed over, wherever that was."""

    def withdraw(self, target: Any) -> bool:
        """Forget one. False where it is not in use."""
        found = [wire.callbacks.withdraw(target) for wire in self._wire.wires]
        return any(found)


class Published:
    """What the providers publish. None says anything about services of others."""

    def __init__(self, limits: Publishes) -> None:
        self._limits = limits
        self._by_address: dict[str, tuple[ServiceDescription, ...]] = {}

    def by(self, address: str) -> Publishes:
        """For that provider to tell."""
        return ByOne(self, address)

    def tell(self, address: str, services: Iterable[ServiceDescription]) -> None:
        self._by_address.pop(address, None)
        self._by_address[address] = tuple(services)  # the last: of two that differ, it holds
        self._publish()

    def forget(self, address: str) -> None:
        """That provider is gone."""
        if self._by_address.pop(address, None):
            self._publish()

    def _publish(self) -> None:
        self._limits.publish(service for told in self._by_address.values() for service in told)


@dataclass(frozen=True, slots=True)
class ByOne:
    """What one of them publishes."""

    all: Published
    address: str

    def publish(self, services: Iterable[ServiceDescription]) -> None:
        self.all.tell(self.address, services)


def _without_retry(filters: FilterList) -> list[Any]:
    """The cluster itself repeats calls; the filter does besides where it is named."""
    named = "retry" in filters or "+retry" in filters
    return list(filters) if named else [*filters, "-retry"]


def _sticky(settings: FilterSettings) -> FilterSettings:
    """The same, and sticky where nothing is said of it."""
    methods: dict[str, dict[str, Any]] = {}
    for method, key, value in settings.places():
        methods.setdefault(method, {})[key] = value
    return FilterSettings({"sticky": True, **methods.pop("", {})}, methods)
