"""What a client of many providers promises, as figures: printed at the end of `make cluster`."""

import asyncio
import os
import signal
import time
from collections import Counter

import pytest

import facade
from facade.cluster import Directory
from facade.cluster.balance import ConsistentHash
from facade.registry import Provider, open_registry
from facade.testing import FakeInvoker, invocation
from tests.servers.load import Load, Process
from tests.servers.where import Here, Where

pytestmark = pytest.mark.timeout(180)

SHORT = bool(os.environ.get("FACADE_SHORT"))
KEY = "test.Where"
# Seconds after which a provider that died is forgotten.
SESSION = 2


@pytest.fixture
def url(zookeeper):
    return f"zookeeper://{zookeeper.address}?session={SESSION}"


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
    assert load.made > 0
    figure("rolling restart: errors", len(load.failed), 0, f"of {load.made} calls")
    assert not load.failed, load.failed[:3]


async def test_half_of_the_providers_killed(url, start, figure):
    """No call fails but such as were under way there; the load is even once they are back."""
    running = [await in_thread(start) for _ in range(4)]
    async with facade.AsyncClient(url, timeout=10.0, loadbalance="round_robin") as client:
        where = client.refer(Where)
        await hears(where, [each.pid for each in running])
        endpoints = next(client._wire.scopes).clusters[0].directory.endpoints
        ports = {each.port for each in running[:2]}
        async with Load(where.where, 500) as load:
            await asyncio.sleep(1.0)
            dead = [e for e in endpoints if int(e.address.rpartition(":")[2]) in ports]
            for each in running[:2]:
                each.process.send_signal(signal.SIGKILL)
            under_way = sum(e.active for e in dead)
            for each in running[:2]:
                await in_thread(each.end, signal.SIGKILL)
            # What was sent until the loss was seen is in flight there, too.
            calls = load.made
            await asyncio.sleep(2.0)
            back = [await in_thread(start, each.port) for each in running[:2]]
            await hears(where, [each.pid for each in back])
            await asyncio.sleep(10.0)
            before = Counter(load.answered)
            await asyncio.sleep(3.0)
            shares = Counter(load.answered) - before
    assert all(e.sent is facade.Sent.MAYBE_EXECUTED for e in load.failed), load.failed[:3]
    # Two handfuls of calls may be sent between the look and the loss being seen.
    bound = under_way + 20
    figure("half killed: failed calls", len(load.failed), bound, f"{under_way} at {calls} calls")
    even = sum(shares.values()) / 4
    skew = max(abs(count - even) / even for count in shares.values())
    figure("half killed: skew 10 s after", round(skew, 3), 0.15, f"{len(shares)} providers")
    assert len(load.failed) <= bound
    assert len(shares) == 4
    assert skew <= 0.15


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


async def test_registry_killed(where, start, zookeeper, figure):
    """Calls go on without it, and after it."""
    seconds = 10 if SHORT else 30
    load = await under_load(where, start, zookeeper.kill, seconds, zookeeper.start)
    figure(f"registry killed for {seconds} s: errors", len(load.failed), 0, f"of {load.made} calls")
    assert not load.failed, load.failed[:3]


async def test_registry_cut_off(where, start, zookeeper, figure):
    """It takes connections and answers nothing, longer than sessions last."""
    load = await under_load(where, start, zookeeper.freeze, 2 * SESSION, zookeeper.thaw)
    figure("registry cut off: errors", len(load.failed), 0, f"of {load.made} calls")
    assert not load.failed, load.failed[:3]


async def test_session_expired(url, start, figure):
    """A provider that was frozen for longer than its session registers again."""
    provider = await in_thread(start)
    heard, changed = [], asyncio.Event()

    def told(providers):
        heard[:] = providers
        changed.set()

    async def until(count):
        while len(heard) != count:
            changed.clear()
            await changed.wait()

    registry = open_registry(url)
    await registry.subscribe(KEY, told)
    await until(1)
    provider.process.send_signal(signal.SIGSTOP)
    await until(0)
    provider.process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    await until(1)
    took = time.monotonic() - began
    await registry.close()
    figure("session expired: seconds until there again", round(took, 2), 5.0)
    assert took <= 5.0


class Way(FakeInvoker):
    available = True

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
    figure("consistent hash: moved of 1/n", round(moved * n, 3), 1.3)
    assert moved <= 1.3 / n
    await directory.close()


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
    assert asked <= calls * 1.1


async def test_cost_of_balancing(figure):
    """Beside a direct call, 256 in flight, in turn. Told, not required: machines are shared."""
    server = facade.Server()
    server.export(Where, Here())
    await server.start()
    address, rounds = f"127.0.0.1:{server.port}", 3 if SHORT else 7

    async def timed(where):
        async def some():
            for _ in range(20):
                await where.where()

        began = time.process_time()
        await asyncio.gather(*(some() for _ in range(256)))
        return time.process_time() - began

    async with (
        facade.AsyncClient(address, timeout=30.0) as one,
        facade.AsyncClient(f"static:{address}", timeout=30.0, loadbalance="p2c") as many,
    ):
        direct, balanced = one.refer(Where), many.refer(Where)
        await timed(direct)
        await timed(balanced)
        ratios = sorted([await timed(balanced) / await timed(direct) for _ in range(rounds)])
    await server.stop()
    figure("balancing: cost over a direct call", round(ratios[rounds // 2] - 1, 3), 0.05)
