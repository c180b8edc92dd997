"""Providers on hosts of their own, which are cut off and slowed down: in network namespaces, where
the machine allows them."""

import asyncio
import signal
import subprocess
import time

import pytest

import facade
from tests.faults.proxy import Proxy
from tests.registry.listening import Listening, eventually
from tests.servers.hosts import Host
from tests.servers.journal import Journal
from tests.servers.load import Load, Process
from tests.servers.where import Here, Where
from tests.short import PATIENCE

pytestmark = pytest.mark.timeout(180)

KEY = "test.Where"
SESSION = 2
# The most of the calls that one far away may get.
SHARE = 0.15


@pytest.fixture
def hosts():
    """Three of them; skipped, with the reason, where there can be none."""
    made = []
    try:
        for _ in range(3):
            made.append(Host())
    except (OSError, subprocess.SubprocessError) as error:
        for host in made:
            host.remove()
        why = getattr(error, "stderr", None) or error
        pytest.skip(f"this machine allows no network namespaces: {why}")
    yield made
    for host in made:
        host.remove()


@pytest.fixture
def registry(make_zookeeper):
    """A ZooKeeper that listens everywhere."""
    return make_zookeeper(host="0.0.0.0")


@pytest.fixture
def providers(hosts, registry):
    """One on each host, announced there."""
    started = []
    for host in hosts:
        url = f"zookeeper://{host.here}:{registry.port}?session={SESSION}"
        started.append(Process(url, host=host.address, inside=host.inside))
    yield started
    for each in started:
        each.end(signal.SIGKILL)


@pytest.fixture
async def client(registry):
    url = f"zookeeper://{registry.address}?session={SESSION}"
    async with facade.AsyncClient(
        url, timeout=30.0, loadbalance="round_robin", heartbeat=1.0, heartbeat_timeout=5.0
    ) as client:
        yield client


async def hears(where, count):
    """Until so many have answered."""
    seen = set()
    while len(seen) < count:
        seen.add(await where.where())
        await asyncio.sleep(0.005)
    return seen


def endpoints(client):
    return next(client._wire.scopes).clusters[0].directory.endpoints


async def test_partition(hosts, providers, registry, client, figure):
    """A host that is cut off fails what was under way there, and comes back by itself."""
    told = Listening()
    watching = facade.registry.open_registry(f"zookeeper://{registry.address}")
    await watching.subscribe(KEY, told)
    where = client.refer(Where)
    await hears(where, 3)
    cut = Journal(next(e for e in endpoints(client) if e.address.startswith(hosts[0].address)))
    async with Load(where.where, 100) as load:
        await asyncio.to_thread(hosts[0].cut)
        await told.holds(lambda: len(told.lists[-1]) == 2)
        await eventually(lambda: cut.lost is not None)
        await asyncio.to_thread(hosts[0].mend)
        began = time.monotonic()
        await told.holds(lambda: len(told.lists[-1]) == 3)
        took = time.monotonic() - began
        await hears(where, 3)
    await watching.close()
    assert len(load.failed) == cut.failed, "some failed elsewhere"
    bound = cut.lost or 0
    figure("host cut off: failed calls", len(load.failed), bound, f"of {load.made}")
    figure("host cut off: seconds until there again", round(took, 2), 5.0 * PATIENCE)


async def share_of(far, where):
    """Of the calls, as soon as that is small; else the least of what it was each 3 s. A machine
    that stands still makes all answers slow, and all providers look alike for a while."""
    shares = []
    async with Load(where.where, 200) as load:
        await asyncio.sleep(2.0)
        while len(shares) < 5 and not (shares and shares[-1] <= SHARE):
            before, made = far.calls, load.made
            await asyncio.sleep(3.0)
            shares.append((far.calls - before) / max(1, load.made - made))
    assert not load.failed
    return min(shares)


async def test_delay(hosts, providers, registry, figure):
    """A host that is far away gets few of the calls, where the time of answers counts."""
    url = f"zookeeper://{registry.address}?session={SESSION}"
    async with facade.AsyncClient(url, timeout=10.0, loadbalance="shortest_response") as client:
        where = client.refer(Where)
        await hears(where, 3)
        try:
            hosts[0].delay(0.1)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this kernel delays nothing: {error.stderr.strip()}")
        far = next(e for e in endpoints(client) if e.address.startswith(hosts[0].address))
        share = await share_of(far, where)
        figure("host 100 ms away: share of the calls", round(share, 3), SHARE, "of 3")


async def test_far_provider(figure):
    """The same without a host: what a proxy holds back."""
    servers = [facade.Server() for _ in range(3)]
    for server in servers:
        server.export(Where, Here())
        await server.start()
    proxy = Proxy(servers[0].port)
    await proxy.start()
    target = ",".join(f"127.0.0.1:{port}" for port in (proxy.port, *(s.port for s in servers[1:])))
    async with facade.AsyncClient(
        f"static:{target}", timeout=10.0, loadbalance="shortest_response"
    ) as client:
        where = client.refer(Where)
        for _ in range(20):
            await where.where()
        proxy.down.delay = 0.1
        far = next(e for e in endpoints(client) if e.address == proxy.target)
        share = await share_of(far, where)
    await proxy.close()
    await asyncio.gather(*(server.stop() for server in servers))
    figure("provider 100 ms away: share of the calls", round(share, 3), SHARE, "of 3")
