"""etcd, by its own gRPC calls: the little of them that is needed takes no further package."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress

from facade.registry.access import Access
from facade.registry.announcements import PATIENCE
from facade.registry.etcd_api import EtcdApi, EtcdError
from facade.registry.etcd_messages import DELETE
from facade.registry.nodes import PARAMETERS, NodeRegistry, Told
from facade.registry.outage import Outage
from facade.registry.target import Target


def etcd_registry(target: Target) -> NodeRegistry:
    """Of ``etcd://[user:password@]host:2379,host:2379``. Parameters as of zookeeper_registry;
    ``session`` is how long a lease lives. OSError for a file that can't be read."""
    target.check(PARAMETERS)
    hosts = target.addresses(2379)
    api = EtcdApi(hosts, Access.of(target))
    nodes = EtcdNodes(api, target.seconds("session", 10.0), target.place)
    return NodeRegistry(nodes, target, hosts)


class EtcdNodes:
    """Keys of etcd as a tree. Ours have a lease, and go when we do not prolong it."""

    def __init__(self, api: EtcdApi, session: float, place: str) -> None:
        self._api = api
        self._session = max(1, round(session))
        self._forgotten: Callable[[], None] = lambda: None
        self._lease = 0
        self._granting = asyncio.Lock()
        self._keeping: asyncio.Task[None] | None = None
        self._watches: set[asyncio.Task[None]] = set()
        self._outage = Outage(place)

    def on_forgotten(self, forgotten: Callable[[], None]) -> None:
        self._forgotten = forgotten

    async def put(self, path: str) -> None:
        lease = await self._granted()
        value = path.rpartition("/")[2].encode()
        try:
            await self._api.call("KV/Put", "Put", key=path.encode(), value=value, lease=lease)
        except EtcdError as error:
            if error.forgotten and lease == self._lease:
                self._lease = 0
                self._forgotten()
            raise

    async def remove(self, path: str) -> None:
        await self._api.call("KV/DeleteRange", "DeleteRange", key=path.encode())

    def watch(self, folder: str, told: Told) -> Callable[[], None]:
        task = asyncio.create_task(self._watch(f"{folder}/", told), name="facade-registry-watch")
        self._watches.add(task)

        def stop() -> None:
            self._watches.discard(task)
            task.cancel()

        return stop

    async def close(self) -> None:
        tasks = [*self._watches, *([self._keeping] if self._keeping else [])]
        self._watches.clear()
        self._keeping = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        lease, self._lease = self._lease, 0
        if lease:
            # Whatever comes of it: the lease ends by itself.
            with suppress(Exception):
                async with asyncio.timeout(PATIENCE):
                    await self._api.call("Lease/LeaseRevoke", "LeaseRevoke", ID=lease)
        await self._api.close()

    async def _granted(self) -> int:
        async with self._granting:
            if not self._lease:
                granted = await self._api.call("Lease/LeaseGrant", "LeaseGrant", TTL=self._session)
                self._lease = granted.ID
            if self._keeping is None:
                self._keeping = asyncio.create_task(self._keep(), name="facade-etcd-lease")
            return self._lease

    async def _keep(self) -> None:
        """Prolong the lease for as long as we are."""
        while True:
            # After a failure soon again, while there may be time left.
            await asyncio.sleep(min(self._session / 3, self._outage.pause or self._session))
            lease = self._lease
            if not lease:  # until one is granted
                continue
            try:
                left = await self._api.keep_alive(lease)
            except Exception as error:
                self._outage.begins(error)
                continue
            self._outage.over()
            if left <= 0 and lease == self._lease:
                self._lease = 0
                self._forgotten()

    async def _watch(self, prefix: str, told: Told) -> None:
        outage = Outage(f"watching {prefix}")
        while True:
            try:
                await self._follow(prefix, told, outage)
            except Exception as error:
                outage.begins(error)
            await asyncio.sleep(outage.pause)

    async def _follow(self, prefix: str, told: Told, outage: Outage) -> None:
        """Read what is there, and each change from then on. Returns where changes may have been
        missed: etcd forgets old ones."""
        key, end = prefix.encode(), prefix[:-1].encode() + b"0"  # what comes behind "/"
        found = await self._api.call("KV/Range", "Range", key=key, range_end=end, keys_only=True)
        keys = {_text(pair.key) for pair in found.kvs}
        outage.over()
        told(_children(keys, prefix))
        async with aclosing(self._api.watch(key, end, found.header.revision + 1)) as answers:
            async for answer in answers:
                for event in answer.events:
                    name = _text(event.kv.key)
                    keys.discard(name) if event.type == DELETE else keys.add(name)
                if answer.events:
                    told(_children(keys, prefix))
                if answer.canceled:
                    if not answer.compact_revision:
                        raise ConnectionError(answer.cancel_reason or "the watch was ended")
                    return
        raise ConnectionError("the stream has ended")


def _text(key: bytes) -> str:
    """Anybody may have written it, and in any way."""
    return key.decode("utf-8", "replace")


def _children(keys: set[str], prefix: str) -> list[str]:
    """The names in the folder, of keys at any depth below it."""
    return sorted({key[len(prefix) :].partition("/")[0] for key in keys})
