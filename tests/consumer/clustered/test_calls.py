"""Calls to many providers: which of them gets each."""

import asyncio
import json

import pytest

import facade
from facade.cluster import Subset, TagRouter
from facade.core import Filter
from tests.consumer.clustered.site import Where, spread, static


async def test_calls_are_spread_over_all_that_the_target_names(sites):
    async with facade.AsyncClient(static(sites), loadbalance="round_robin", timeout=20) as client:
        assert not client.available
        where = client.refer(Where)
        await client.ready()
        assert client.available
        await spread(where.port, sites)
        assert len({await where.port() for _ in range(3)}) == 3


async def test_generic_calls_and_streams_go_to_one_provider_each(sites):
    async with facade.AsyncClient(static(sites), loadbalance="round_robin", timeout=20) as client:
        generic = client.generic("test.Where")
        await spread(lambda: generic.invoke("port"), sites)
        where = client.refer(Where)
        seen = set()
        while len(seen) < 3:
            ports = [port async for port in where.count(5)]
            assert len(ports) == 5
            assert len(set(ports)) == 1
            seen.add(ports[0])


async def test_callbacks_stick_to_one_provider(sites):
    """So that what was handed over can be taken back where it is."""
    heard = []

    async with facade.AsyncClient(static(sites), loadbalance="round_robin", timeout=20) as client:
        where, ear = client.refer(Where), lambda text: heard.append(text)
        await spread(where.port, sites)
        ports = {await where.listen(ear) for _ in range(6)}
        assert len(ports) == 1
        assert heard == [str(port) for port in ports for _ in range(6)]
        assert client.release(ear)
        assert not client.release(ear)


def test_blocking_client_takes_the_same_way(serve_sites):
    """Through the library's own event loop."""
    addresses = serve_sites
    with facade.Client(
        "static:" + ",".join(addresses), loadbalance="round_robin", timeout=20
    ) as client:
        where = client.refer(Where)
        client.ready()
        seen = set()
        while len(seen) < len(addresses):
            seen.add(where.port())
        assert next(iter(where.count(2))) in seen
        assert client.describe("test.Where").services[0].name == "test.Where"
        assert repr(client).startswith("<Client of 'static:")


class Seen(Filter):
    """Counts what it sees, and where each of its kind stands."""

    def __init__(self):
        self.calls = 0

    async def invoke(self, invoker, invocation):
        self.calls += 1
        return await invoker.invoke(invocation)


class SeenEach(Seen):
    per_attempt = True


async def test_filters_see_the_call_or_each_attempt(sites):
    """As their classes say."""
    once, each = Seen(), SeenEach()
    closed = ["127.0.0.1:1", "127.0.0.1:2"]
    target = "static:" + ",".join(closed)
    async with facade.AsyncClient(target, filters=[each, once], retries=1, timeout=20) as client:
        with pytest.raises(facade.Unavailable, match=r"\(2/2\) from the registry static"):
            await client.refer(Where).port()
        assert (once.calls, each.calls) == (1, 2)


async def test_filter_of_attempts_is_made_for_each_provider(sites):
    """One that limits calls under way limits them at each."""
    async with facade.AsyncClient(static(sites), loadbalance="round_robin", timeout=20) as client:
        where = client.refer(Where, actives=1, timeout=20.0)
        await spread(where.port, sites)
        calls = [asyncio.create_task(where.slow()) for _ in range(3)]
        await asyncio.gather(*(site.here.started.wait() for site in sites))
        for site in sites:
            site.here.released.set()
        assert set(await asyncio.gather(*calls)) == {site.server.port for site in sites}


async def test_routers_and_subset(sites):
    async with facade.AsyncClient(
        static(sites), routers=[TagRouter()], subset=2, timeout=20
    ) as client:
        where = client.refer(Where)
        assert len(await spread(where.port, sites[:2])) == 2
    async with facade.AsyncClient(
        static(sites), subset=Subset(1, place=(0, 3)), timeout=20
    ) as client:
        where = client.refer(Where)
        assert len({await where.port() for _ in range(20)}) == 1


async def test_own_zone_goes_first(sites, tmp_path):
    """A provider elsewhere is called when the near one is gone."""
    path = tmp_path / "providers.json"
    zones = ("east", "west", "west")
    path.write_text(
        json.dumps(
            [
                {"address": site.address, "parameters": {"zone": zone}}
                for site, zone in zip(sites, zones, strict=True)
            ]
        )
    )
    async with facade.AsyncClient(f"file://{path}", zone="east", timeout=20) as client:
        where = client.refer(Where)
        near = sites[0].server.port
        assert {await where.port() for _ in range(20)} == {near}
        await sites[0].server.stop()
        assert near not in {await where.port() for _ in range(20)}


async def test_provider_without_the_exchange_is_called_natively(sites, tmp_path):
    """As a registry says of those of Dubbo."""
    path = tmp_path / "providers.json"
    path.write_text(json.dumps([{"address": sites[0].address, "exchange": False}]))
    async with facade.AsyncClient(f"file://{path}", on_connect=print, timeout=20) as client:
        where = client.refer(Where)
        assert await where.port() == sites[0].server.port
        assert [port async for port in where.count(2)] == [sites[0].server.port] * 2
        assert not next(iter(client._wire.wires)).connector.available


async def test_stubs_need_one_address(sites):
    async with facade.AsyncClient(static(sites)) as client:
        with pytest.raises(ValueError, match="names many providers"):
            client.channel()
