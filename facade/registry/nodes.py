"""A registry that is a tree of nodes, laid out as Dubbo does: ZooKeeper, and etcd."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Protocol

from facade.core.log import get_logger
from facade.registry.access import PARAMETERS as ACCESS
from facade.registry.announcements import Announcements
from facade.registry.cache import CacheFile
from facade.registry.dubbo_url import (
    OWN,
    TRIPLE,
    UnknownProtocol,
    consumer_url,
    decoded,
    encoded,
    provider_url,
    read_provider,
)
from facade.registry.provider import Provider
from facade.registry.registry import FIRST_LIST
from facade.registry.subscription import Changed, Subscription
from facade.registry.target import Target
from facade.registry.wanted import ANY, Wanted

logger = get_logger(__name__)

# Parameters of a target that every tree takes.
PARAMETERS = ("root", "session", "protocol", "cache", *ACCESS)

# What Dubbo 3 keeps beside the services.
_NO_SERVICES = ("config", "mapping", "metadata")

# Is given the names below a folder: all there are, at first and after each change.
Told = Callable[[Sequence[str]], None]


class Nodes(Protocol):
    """The tree. It connects when it is first used, and again when it has lost its server."""

    async def put(self, path: str) -> None:
        """A node that is there as long as we are. Raises where that can't be done now."""
        ...

    async def remove(self, path: str) -> None:
        """No such node. Raises where that can't be done now."""
        ...

    def watch(self, folder: str, told: Told) -> Callable[[], None]:
        """Tell the names in this folder until the function that it returns is called."""
        ...

    def on_forgotten(self, forgotten: Callable[[], None]) -> None:
        """What to call when our nodes may be gone, and can be put again."""
        ...

    async def close(self) -> None:
        """Take our nodes away, as far as that can be done at once."""
        ...


class NodeRegistry:
    """Providers are ``/root/service/providers/URL``, consumers ``/root/service/consumers/URL``.
    (Dubbo: ZookeeperRegistry)"""

    announces = True

    def __init__(self, nodes: Nodes, target: Target, hosts: Sequence[str]) -> None:
        self._nodes = nodes
        self._hosts = hosts
        self._root = "/" + target.parameters.get("root", "dubbo").strip("/")
        self._protocol = target.parameters.get("protocol", TRIPLE)
        if self._protocol not in (TRIPLE, OWN):
            raise ValueError(f"protocol={self._protocol}: it is {TRIPLE} or {OWN}")
        self._application = target.parameters.get("application", "")
        consumer_url(Wanted(ANY), "localhost", self._application)  # or it can't be written
        cache = target.parameters.get("cache")
        self._cache = CacheFile(cache) if cache else None
        self._announced = Announcements(target.place, nodes.put, nodes.remove)
        nodes.on_forgotten(self._announced.again)
        self._paths: dict[Provider, str] = {}
        self._subscriptions: set[Subscription] = set()
        self._passed_over: set[str] = set()
        self._place = target.place
        self._closed = False

    async def register(self, provider: Provider) -> None:
        self._check_open()
        path = self._folder(provider.service, "providers")
        path += f"/{encoded(provider_url(provider, self._protocol))}"
        self._paths[provider] = path
        await self._announced.add(path)

    async def unregister(self, provider: Provider) -> None:
        path = self._paths.pop(provider, None)
        if path is not None and path not in self._paths.values():
            await self._announced.drop(path)

    async def subscribe(
        self, key: str, changed: Changed, *, timeout: float = FIRST_LIST
    ) -> Subscription:
        self._check_open()
        subscription = Subscription(key, changed)
        push = self._saving(subscription) if self._cache else subscription.push
        service = subscription.wanted.service
        consumer = ""
        stop = _Everything(self, push).stop if service == ANY else self.watch(service, push)

        async def close() -> None:
            self._subscriptions.discard(subscription)
            stop()
            if consumer:
                await self._announced.drop(consumer)

        subscription.bind(close)
        self._subscriptions.add(subscription)
        try:
            if service != ANY:
                consumer = await self._announce_consumer(subscription)
            if not await subscription.first(timeout):
                await self._recall(subscription, timeout)
        except BaseException:  # nobody is there to close it
            await subscription.close()
            raise
        return subscription

    async def close(self) -> None:
        self._closed = True
        await self._announced.close()
        for subscription in list(self._subscriptions):
            await subscription.close()
        await self._nodes.close()
        if self._cache is not None:
            await self._cache.close()

    def watch(self, service: str, told: Callable[[list[Provider]], None]) -> Callable[[], None]:
        """Tell the providers of one service, of any group and version."""
        folder = self._folder(service, "providers")
        return self._nodes.watch(folder, lambda names: told(self._read(names)))

    def watch_services(self, told: Told) -> Callable[[], None]:
        """Tell the names of all services."""

        def tell(names: Sequence[str]) -> None:
            told([decoded(name) for name in names if name not in _NO_SERVICES])

        return self._nodes.watch(self._root, tell)

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(f"{self._place} was closed: open it again")

    def _folder(self, service: str, kind: str) -> str:
        return f"{self._root}/{encoded(service)}/{kind}"

    def _read(self, names: Sequence[str]) -> list[Provider]:
        found = []
        for name in names:
            try:
                provider = _provider(name)
            except UnknownProtocol as error:
                self._pass_over(f"{error}://", "which is not called from here")
            except ValueError as error:
                self._pass_over(decoded(name), str(error))
            else:
                found += [provider] if provider is not None else []
        return found

    def _pass_over(self, what: str, why: str) -> None:
        if what not in self._passed_over:
            self._passed_over.add(what)
            logger.warning("providers at %s are passed over: %s", what, why)

    async def _announce_consumer(self, subscription: Subscription) -> str:
        wanted = subscription.wanted
        host = await asyncio.to_thread(_own_host, self._hosts[0])
        self._check_open()  # or it would be announced for ever
        url = consumer_url(wanted, host, self._application)
        path = f"{self._folder(wanted.service, 'consumers')}/{encoded(url)}"
        self._announced.add_soon(path)
        return path

    def _saving(self, subscription: Subscription) -> Callable[[list[Provider]], None]:
        def push(providers: list[Provider]) -> None:
            subscription.push(providers)
            if self._cache is not None and subscription.providers:
                self._cache.save(subscription.wanted.key, subscription.providers)

        return push

    async def _recall(self, subscription: Subscription, timeout: float) -> None:
        known: Sequence[Provider] = ()
        if self._cache is not None:
            known = await asyncio.to_thread(self._cache.load, subscription.wanted.key)
        subscription.recall(known)
        if not subscription.answered:
            logger.warning(
                "the registry has not answered for %s in %g s: %s",
                *(subscription.wanted.key, timeout),
                f"{len(known)} providers of old are used" if known else "no provider is known",
            )


@lru_cache(maxsize=10_000)
def _provider(name: str) -> Provider | None:
    """Each change of one node brings the names of all; what they say does not change."""
    return read_provider(decoded(name))


class _Everything:
    """Watches all services there are, and tells the providers of all of them."""

    def __init__(self, registry: NodeRegistry, told: Callable[[list[Provider]], None]) -> None:
        self._registry = registry
        self._told = told
        self._lists: dict[str, list[Provider] | None] = {}  # None: not told yet
        self._stops: dict[str, Callable[[], None]] = {}
        self._stop = registry.watch_services(self._on_services)

    def stop(self) -> None:
        self._stop()
        for stop in self._stops.values():
            stop()

    def _on_services(self, names: Sequence[str]) -> None:
        for gone in self._lists.keys() - set(names):
            self._stops.pop(gone)()
            del self._lists[gone]
        for name in names:
            if name not in self._lists:
                self._lists[name] = None
                self._stops[name] = self._registry.watch(name, self._on_list(name))
        self._tell()

    def _on_list(self, name: str) -> Callable[[list[Provider]], None]:
        def told(providers: list[Provider]) -> None:
            self._lists[name] = providers
            self._tell()

        return told

    def _tell(self) -> None:
        lists = [providers for providers in self._lists.values() if providers is not None]
        if len(lists) == len(self._lists):
            self._told([provider for providers in lists for provider in providers])


def _own_host(server: str) -> str:
    """Which address of this machine the registry sees. Nothing is sent."""
    host, _, port = server.rpartition(":")
    with suppress(OSError):
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(address)
            name = str(probe.getsockname()[0])
            return f"[{name}]" if ":" in name else name
    return "127.0.0.1"
