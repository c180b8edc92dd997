"""The cluster over real connections: a client whose calls end in one."""

import asyncio
from collections import Counter

import pytest

import facade
from facade.cluster import Clusters, Directory
from facade.consumer.chains import Ends
from facade.core import FilterSettings
from facade.registry import Provider


@facade.service("test.Where")
class Where:
    async def port(self) -> int: ...

    async def slow(self, seconds: float) -> int: ...


class Here(Where):
    def __init__(self):
        self.at = 0

    async def port(self) -> int:
        return self.at

    async def slow(self, seconds: float) -> int:
        await asyncio.sleep(seconds)
        return self.at


async def serve():
    server, here = facade.Server("127.0.0.1:0"), Here()
    server.export(Where, here)
    await server.start()
    here.at = server.port
    return server


class Way:
    """The way to one provider, over a connection."""

    def __init__(self, provider):
        self._client = facade.AsyncClient(
            provider.address, filters=(), wait_for_ready=False, describe=False
        )
        self.invoke = self._client.invoker.invoke

    @property
    def available(self):
        return self._client.available

    held = False

    def begin(self):
        self._client._wire.connector.begin()

    async def close(self):
        await self._client.close()


class ClusterClient(facade.AsyncClient):
    """Its chains end in a cluster."""

    def __init__(self, clusters):
        self._clusters = clusters
        super().__init__("injvm", describe=False, timeout=20.0)

    def _make_ends(self):
        return Ends(self._clusters, self._clusters, self._clusters)

    async def close(self, grace=5.0):
        await super().close(grace)
        await self._clusters.close()


@pytest.fixture
async def servers():
    started = [await serve() for _ in range(3)]
    yield started
    await asyncio.gather(*(server.stop() for server in started))


def told(servers):
    return [Provider(f"127.0.0.1:{server.port}") for server in servers]


@pytest.mark.parametrize("loadbalance", ["round_robin", "p2c"])
async def test_restart_of_each_provider_costs_no_call(loadbalance, servers):
    """Not one of the calls that go on all the time; and each new one gets some."""
    directory = Directory(Way, service="test.Where")
    directory.update(told(servers))
    async with ClusterClient(
        Clusters(directory, FilterSettings({"loadbalance": loadbalance}))
    ) as client:
        where = client.refer(Where)
        answered = Counter()
        ended = asyncio.Event()

        async def keep_calling():
            while not ended.is_set():
                answered[await where.port()] += 1

        calls = [asyncio.create_task(keep_calling()) for _ in range(8)]
        while len(answered) < 3:
            answered[await where.port()] += 1
        for n in range(3):
            old = servers[n]
            new = servers[n] = await serve()
            await old.stop()
            directory.update(told(servers))
            while not answered[new.port]:
                answered[await where.port()] += 1
        ended.set()
        await asyncio.gather(*calls)


async def test_provider_that_stops_ends_its_calls_while_others_get_the_new(servers):
    """It drains: what it has begun it answers."""
    directory = Directory(Way, service="test.Where")
    directory.update(told(servers))
    async with ClusterClient(Clusters(directory, FilterSettings())) as client:
        where = client.refer(Where)
        slow = [asyncio.create_task(where.slow(0.3)) for _ in range(12)]
        await where.port()  # by now the others have begun
        gone = servers[0].port
        await servers[0].stop()
        assert gone not in {await where.port() for _ in range(50)}
        assert len(await asyncio.gather(*slow)) == 12


async def test_nobody_there_is_told_with_the_provider_tried():
    """At the first attempt to connect that fails, and not when the time is up."""
    directory = Directory(Way, service="test.Where")
    directory.update([Provider("127.0.0.1:1")])
    async with ClusterClient(Clusters(directory)) as client:
        with pytest.raises(facade.Unavailable, match=r"of the providers \[127.0.0.1:1\]") as raised:
            await client.refer(Where).port()
        assert raised.value.sent is facade.Sent.NOT_SENT
