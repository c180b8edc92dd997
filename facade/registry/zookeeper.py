"""ZooKeeper, by kazoo. Its threads stay its own: nothing here waits for them in the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from inspect import signature
from typing import TYPE_CHECKING, Any

from facade.core.log import get_logger
from facade.exchange.tls import ClientTls
from facade.registry.access import Access
from facade.registry.announcements import PATIENCE
from facade.registry.nodes import PARAMETERS, NodeRegistry, Told
from facade.registry.outage import Outage
from facade.registry.target import Target

if TYPE_CHECKING:
    from kazoo.client import KazooClient

logger = get_logger(__name__)

_KAZOO = f"{__name__}.kazoo"


def zookeeper_registry(target: Target) -> NodeRegistry:
    """Of ``zookeeper://[user:password@]host:2181,host:2181``. Parameters: ``root`` ("dubbo"),
    ``session`` (seconds after which a dead provider is forgotten, 10), ``protocol`` (as what
    providers register: tri, facade), ``cache`` (a file that keeps the last lists), and those of
    Access. OSError for a file that can't be read."""
    target.check(PARAMETERS)
    hosts = target.addresses(2181)
    if "server_name" in target.parameters:
        raise ValueError("zookeeper: has no server_name: a certificate is for the host, or no good")
    access = Access.of(target)
    nodes = ZooKeeperNodes(hosts, target.seconds("session", 10.0), access, target.place)
    return NodeRegistry(nodes, target, hosts)


class ZooKeeperNodes:
    """The tree of a ZooKeeper. Our nodes are ephemeral: they go with our session."""

    def __init__(self, hosts: tuple[str, ...], session: float, access: Access, place: str) -> None:
        try:
            from kazoo.client import KazooClient
        except ImportError:
            raise ImportError(
                "zookeeper:// needs kazoo: pip install 'facade-rpc[zookeeper]'"
            ) from None
        own = get_logger(_KAZOO)
        if own.level == logging.NOTSET:
            own.setLevel(logging.ERROR)  # it tells of each attempt to connect; we tell of the first
        self._client: KazooClient = KazooClient(
            ",".join(hosts),
            timeout=session,
            auth_data=[("digest", f"{access.user}:{access.password}")] if access.user else None,
            connection_retry={"max_tries": -1, "delay": 0.1, "max_delay": 2.0},
            logger=own,
            **_secured(KazooClient, access.tls),
        )
        self._place = place
        self._loop: asyncio.AbstractEventLoop | None = None
        self._live = asyncio.Event()
        self._forgotten: Callable[[], None] = lambda: None
        self._watches: set[_Watch] = set()
        self._outage = Outage(place)

    def on_forgotten(self, forgotten: Callable[[], None]) -> None:
        self._forgotten = forgotten

    async def put(self, path: str) -> None:
        from kazoo.exceptions import NodeExistsError

        await self.live()
        client = self._client
        try:
            await self.done(client.create_async(path, ephemeral=True, makepath=True))
        except NodeExistsError:
            state = await self.done(client.exists_async(path))
            session = client.client_id
            if state is not None and session and state.ephemeralOwner == session[0]:
                return
            # Of an earlier session of ours, with which it would soon go.
            await self.remove(path)
            await self.done(client.create_async(path, ephemeral=True, makepath=True))

    async def remove(self, path: str) -> None:
        from kazoo.exceptions import NoNodeError

        with suppress(NoNodeError):
            await self.done(self._client.delete_async(path))

    def watch(self, folder: str, told: Told) -> Callable[[], None]:
        self._start()
        watch = _Watch(self, self._client, folder, told)
        self._watches.add(watch)

        def stop() -> None:
            self._watches.discard(watch)
            watch.stop()

        return stop

    async def close(self) -> None:
        for watch in self._watches:
            watch.stop()
        self._watches.clear()
        if self._loop is not None:
            self._loop = None
            await asyncio.to_thread(self._stop)

    async def live(self) -> None:
        """Wait until it is connected."""
        self._start()
        await self._live.wait()

    async def done(self, result: Any) -> Any:
        """What a request gives, or raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def finish() -> None:
            if not future.done():
                future.set_result(None)

        result.rawlink(lambda _: call(loop, finish))
        async with asyncio.timeout(PATIENCE):
            await future
        return result.get_nowait()

    def _start(self) -> None:
        if self._loop is not None:
            return
        self._loop = loop = asyncio.get_running_loop()
        self._client.add_listener(lambda state: call(loop, self._on_state, state))
        self._client.start_async()
        loop.call_later(PATIENCE, self._if_not_live)

    def _if_not_live(self) -> None:
        if self._loop is not None and not self._live.is_set():
            self._outage.begins(ConnectionError(f"no connection (why: logger {_KAZOO}, at INFO)"))

    def _on_state(self, state: str) -> None:
        """In the event loop: LOST (the session is over), SUSPENDED, or CONNECTED."""
        if self._loop is None:
            return
        if state != "CONNECTED":
            self._live.clear()
            self._outage.begins(ConnectionError(f"connection {state.lower()}"))
            return
        self._live.set()
        self._outage.over()
        # It may be a new session, and in an old one watches may have been missed.
        self._forgotten()
        for watch in self._watches:
            watch.look()

    def _stop(self) -> None:
        try:
            self._client.stop()
            self._client.close()
        except Exception as error:
            logger.warning("%s was not left in peace: %s", self._place, error)


def _secured(client: type, tls: ClientTls | None) -> dict[str, Any]:
    """What kazoo takes of TLS. ImportError where it can't check whose certificate it is."""
    if tls is None:
        return {}
    if "check_hostname" not in signature(client).parameters:
        raise ImportError("zookeeper:// with TLS needs kazoo 2.11 or later: pip install -U kazoo")
    own = {"ca": tls.ca, "certfile": tls.certificate, "keyfile": tls.key}
    return {"use_ssl": True, "check_hostname": True, **own}


class _Watch:
    """Reads the names in one folder, and again after each change."""

    def __init__(self, nodes: ZooKeeperNodes, client: KazooClient, folder: str, told: Told) -> None:
        self._nodes = nodes
        self._client = client
        self._folder = folder
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._outage = Outage(f"watching {folder}")
        self._task = asyncio.create_task(self._read(), name="facade-registry-watch")

    def look(self) -> None:
        """Read it again."""
        self._changed.set()

    def stop(self) -> None:
        self._task.cancel()

    async def _read(self) -> None:
        while True:
            await self._nodes.live()
            self._changed.clear()
            try:
                names = await self._names()
            except Exception as error:
                self._outage.begins(error)
                await asyncio.sleep(self._outage.pause)
                continue
            self._outage.over()
            self._told(names)
            await self._changed.wait()

    async def _names(self) -> list[str]:
        from kazoo.exceptions import NoNodeError

        client, folder = self._client, self._folder
        try:
            found = await self._nodes.done(client.get_children_async(folder, self._fire))
        except NoNodeError:
            # A folder that is there can be watched. (Dubbo makes it as well.)
            await self._nodes.done(client.ensure_path_async(folder))
            found = await self._nodes.done(client.get_children_async(folder, self._fire))
        return list(found)

    def _fire(self, event: object) -> None:
        """In a thread of kazoo's."""
        call(self._loop, self._changed.set)


def call(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: Any) -> None:
    """In the event loop, from a thread of kazoo's."""
    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(function, *arguments)
