"""What a client of many providers promises, as figures: printed at the end of `make cluster`."""

import asyncio
import signal
import time

import pytest

import facade
from facade.cluster import Directory
from facade.cluster.balance import ConsistentHash
from facade.registry import Provider, open_registry
from facade.testing import FakeInvoker, invocation
from tests.faults.proxy import Proxy
from tests.registry.listening import Listening
from tests.servers.journal import Journal
from tests.servers.load import Load, Process
from tests.servers.where import Here, Where
from tests.short import PATIENCE, SHORT

pytestmark = pytest.mark.timeout(180)

KEY = "test.Where"
# Seconds after which a provider that died is forgotten.
SESSION = 2


# A test of each of them; others are of ZooKeeper.
BOTH = pytest.mark.parametrize("kind", ["zookeeper", "etcd"], indirect=True)


@pytest.fixture
def kind(request):
    return getattr(request, "param", "zookeeper")


@pytest.fixture
def server(kind, request):
    """The registry's server, running."""
    return request.getfixturevalue(kind)


@pytest.fixture
def session(request):
    return getattr(request, "param", SESSION)


@pytest.fixture
def url(kind, server, session):
    return f"{kind}://{server.address}?session={session}"


@pytest.fixture
def start(url):
    """Call it with a port: a provider's process, ended with the test."""
    started = []

    def start(port=0):
        started.append(Process(url, port))
        return started[-1]

    yield start
    for each in started:
        if each.process.returncode is None:
            each.end(signal.SIGKILL)


@pytest.fixture
async def where(url):
    async with facade.AsyncClient(url, timeout=10.0, loadbalance="round_robin") as client:
        yield client.refer(Where)


async def in_thread(function, *arguments):
    return await asyncio.to_thread(function, *arguments)


async def hears(where, pids):
    """Until each of these has answered."""
    missing = set(pids)
    while missing:
        missing.discard(await where.where())
        await asyncio.sleep(0.005)


async def test_rolling_restart(where, start, figure):
    """Providers that are replaced one by one, in peace, cost no call."""
    running = [await in_thread(start) for _ in range(5)]
    await hears(where, [each.pid for each in running])
    async with Load(where.where, 1000) as load:
        for n, old in enumerate(running):
            running[n] = new = await in_thread(start)
            await in_thread(old.end, signal.SIGTERM)
            await hears(where, [new.pid])
    figure("rolling restart: errors", *errors(load))
    least, told = round(0.9 * load.rate), ""
    if load.reached < least and load.held_up:
        least, told = 0, f"the machine was too busy for {load.rate}"
    figure("rolling restart: calls a second", load.reached, least, told, least=True)


@pytest.mark.parametrize("session", [30], indirect=True)  # that of a survivor must not end
async def test_half_of_the_providers_killed(url, start, figure):
    """No call fails but such as were under way there; the load is even once they are back."""
    running = [await in_thread(start) for _ in range(4)]
    async with facade.AsyncClient(url, timeout=10.0, loadbalance="round_robin") as client:
        where = client.refer(Where)
        await hears(where, [each.pid for each in running])
        endpoints = next(client._wire.scopes).clusters[0].directory.endpoints
        ports = {each.port for each in running[:2]}
        dead = [Journal(e) for e in endpoints if int(e.address.rpartition(":")[2]) in ports]
        async with Load(where.linger, 500) as load:
            await asyncio.sleep(1.0)
            for each in running[:2]:
                each.process.send_signal(signal.SIGKILL)
            then = sum(each.under_way for each in dead)
            for each in running[:2]:
                await in_thread(each.end, signal.SIGKILL)
            await asyncio.sleep(2.0)
            back = [await in_thread(start, each.port) for each in running[:2]]
            await hears(where, [each.pid for each in back])
            await asyncio.sleep(10.0)
            before = [each.calls for each in endpoints]
            await asyncio.sleep(3.0)
            shares = [each.calls - n for each, n in zip(endpoints, before, strict=True)]
    assert all(e.sent is facade.Sent.MAYBE_EXECUTED for e in load.failed), load.failed[:3]
    assert len(load.failed) == sum(each.failed for each in dead), "some failed elsewhere"
    # Until the loss is seen, calls go there: what is written to a dead peer is in flight, too.
    bound = sum(each.lost or 0 for each in dead)
    figure("half killed: failed calls", len(load.failed), bound, f"{then} when they were killed")
    even = sum(shares) / 4
    skew = max(abs(count - even) / even for count in shares)
    figure("half killed: skew 10 s after", round(skew, 3), 0.15, f"{len(shares)} providers")


async def under_load(where, start, trouble, seconds, mend):
    running = [await in_thread(start) for _ in range(2)]
    await hears(where, [each.pid for each in running])
    async with Load(where.where, 300) as load:
        await in_thread(trouble)
        await asyncio.sleep(seconds)
        await in_thread(mend)
        await asyncio.sleep(SESSION + 1.0)
        await hears(where, [each.pid for each in running])
    return load


def errors(load):
    """How many, and what the figure adds."""
    told = f" first: {load.failed[0]}" if load.failed else ""
    return len(load.failed), 0, f"of {load.made} calls{told}"


@BOTH
async def test_registry_killed(kind, where, start, server, figure):
    """Calls go on without it, and after it."""
    seconds = 10 if SHORT else 30
    load = await under_load(where, start, server.kill, seconds, server.start)
    figure(f"{kind} killed for {seconds} s: errors", *errors(load))


@BOTH
async def test_registry_partition(kind, where, start, server, figure):
    """It takes connections and answers nothing, longer than sessions last."""
    load = await under_load(where, start, server.freeze, 2 * SESSION, server.thaw)
    figure(f"{kind} partition: errors", *errors(load))


@BOTH
async def test_provider_cut_off_from_the_registry(kind, url, where, server, figure):
    """Consumers reach it all the while: it leaves the list and comes back, and no call fails."""
    proxy = Proxy(server.port)
    await proxy.start()
    told = Listening()
    registry = open_registry(url)
    await registry.subscribe(KEY, told)
    through = f"{kind}://{proxy.target}?session={SESSION}"
    running = [await in_thread(Process, each) for each in (url, through)]
    try:
        await hears(where, [each.pid for each in running])
        async with Load(where.where, 100) as load:
            for way in (proxy.up, proxy.down):
                way.stop()
            await told.holds(lambda: len(told.lists[-1]) == 1)
            for way in (proxy.up, proxy.down):
                way.go_on()
            began = time.monotonic()
            await told.holds(lambda: len(told.lists[-1]) == 2)
            took = time.monotonic() - began
            await hears(where, [each.pid for each in running])
    finally:
        for each in running:
            each.end(signal.SIGKILL)
        await registry.close()
        await proxy.close()
    figure(f"{kind}, a provider cut off from it: errors", *errors(load))
    figure(f"{kind}, cut off: seconds until there again", round(took, 2), 5.0 * PATIENCE)


@BOTH
async def test_session_expired(kind, url, start, figure):
    """A provider that was frozen for longer than its session registers again."""
    provider = await in_thread(start)
    told = Listening()
    registry = open_registry(url)
    await registry.subscribe(KEY, told)
    await told.holds(lambda: len(told.lists[-1]) == 1)
    provider.process.send_signal(signal.SIGSTOP)
    await told.until()
    provider.process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    await told.holds(lambda: len(told.lists[-1]) == 1)
    took = time.monotonic() - began
    await registry.close()
    figure(f"{kind} session expired: seconds until there again", round(took, 2), 5.0 * PATIENCE)


class Way(FakeInvoker):
    available = True
    held = False

    def begin(self):
        """There is nothing to connect to."""

    async def close(self):
        """Nor to hang up."""


def directory_of(count):
    directory = Directory(lambda provider: Way(provider.address), service=KEY)
    directory.update([Provider(f"10.0.0.{n}:1") for n in range(count)])
    return directory


async def test_consistent_hash(figure):
    """Of n providers one leaves: few calls move but its own."""
    balancer, calls, n = ConsistentHash(), [invocation("find", str(k)) for k in range(5000)], 10
    directory = directory_of(n)
    endpoints = directory.list(calls[0])
    before = [balancer.select(endpoints, call).address for call in calls]
    rest = endpoints[:-1]
    after = [balancer.select(rest, call).address for call in calls]
    moved = sum(a != b for a, b in zip(before, after, strict=True)) / len(calls)
    await directory.close()
    figure("consistent hash: moved of 1/n", round(moved * n, 3), 1.3)


async def test_retry_storm(figure):
    """Where all providers fail, retries add a tenth to the calls at most."""
    asked = 0

    class Refuse(facade.Filter):
        async def invoke(self, invoker, invocation):
            nonlocal asked
            asked += 1
            raise facade.Unavailable("out of order", sent=facade.Sent.NOT_EXECUTED)

    servers = [facade.Server(filters=[Refuse()]) for _ in range(3)]
    for server in servers:
        server.export(Where, Here())
        await server.start()
    target = "static:" + ",".join(f"127.0.0.1:{server.port}" for server in servers)
    calls = 3000
    async with facade.AsyncClient(target, timeout=10.0) as client:
        where = client.refer(Where)
        for _ in range(calls):
            with pytest.raises(facade.RpcError):
                await where.look()
    await asyncio.gather(*(server.stop() for server in servers))
    figure("retry storm: attempts by calls", round(asked / calls, 3), 1.1)
