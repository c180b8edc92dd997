"""Clients of many providers, over real connections."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

import facade
from facade.cluster import Subset, TagRouter
from facade.consumer.named import Named
from facade.consumer.options import DIRECTORY, ClusterOptions
from facade.core import Filter
from facade.core.cluster import KEYS
from facade.registry.static import StaticRegistry


@facade.service("test.Where")
class Where:
    async def port(self) -> int: ...

    async def slow(self) -> int: ...

    async def count(self, n: int) -> AsyncIterator[int]: ...

    @facade.method(idempotent=True)
    async def broken(self) -> int: ...

    async def listen(self, listener: Callable[[str], None]) -> int: ...


@facade.service("test.Other")
class Other:
    async def port(self) -> int: ...


class Here(Where):
    def __init__(self):
        self.at = 0
        self.released = asyncio.Event()
        self.started = asyncio.Event()

    async def port(self) -> int:
        return self.at

    async def slow(self) -> int:
        self.started.set()
        await self.released.wait()
        return self.at

    async def count(self, n: int) -> AsyncIterator[int]:
        for _ in range(n):
            yield self.at

    async def broken(self) -> int:
        raise facade.Unavailable("out of order")

    async def listen(self, listener: Callable[[str], None]) -> int:
        await listener(str(self.at))
        return self.at


class Site:
    """A server with its implementation."""

    def __init__(self):
        self.here = Here()
        self.server = facade.Server()
        self.server.export(Where, self.here)
        self.server.export(Other, self.here)

    async def start(self):
        await self.server.start()
        self.here.at = self.server.port
        return self

    @property
    def address(self):
        return f"127.0.0.1:{self.server.port}"


@pytest.fixture
async def sites():
    started = [await Site().start() for _ in range(3)]
    yield started
    for site in started:
        site.here.released.set()
    await asyncio.gather(*(site.server.stop() for site in started))


def static(sites):
    return "static:" + ",".join(site.address for site in sites)


async def spread(call, sites):
    """Call until each has answered; how often each did."""
    answered = Counter()
    while len(answered) < len(sites):
        answered[await call()] += 1
        await asyncio.sleep(0)
    return answered


async def test_calls_are_spread_over_all_that_the_target_names(sites):
    async with facade.AsyncClient(static(sites), loadbalance="round_robin") as client:
        assert not client.available
        where = client.refer(Where)
        await client.ready()
        assert client.available
        await spread(where.port, sites)
        assert len({await where.port() for _ in range(3)}) == 3


async def test_generic_calls_and_streams_go_to_one_provider_each(sites):
    async with facade.AsyncClient(static(sites), loadbalance="round_robin") as client:
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

    async with facade.AsyncClient(static(sites), loadbalance="round_robin") as client:
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
    with facade.Client("static:" + ",".join(addresses), loadbalance="round_robin") as client:
        where = client.refer(Where)
        client.ready()
        seen = set()
        while len(seen) < len(addresses):
            seen.add(where.port())
        assert next(iter(where.count(2))) in seen
        assert client.describe("test.Where").services[0].name == "test.Where"
        assert repr(client).startswith("<Client of 'static:")


@pytest.fixture
def serve_sites():
    """Two providers in a loop of their own, for tests that block."""
    import threading

    loop, started, addresses = asyncio.new_event_loop(), threading.Event(), []
    stopping = asyncio.Event()

    async def run():
        made = [await Site().start() for _ in range(2)]
        addresses.extend(site.address for site in made)
        started.set()
        await stopping.wait()
        await asyncio.gather(*(site.server.stop() for site in made))

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    started.wait()
    yield addresses
    loop.call_soon_threadsafe(stopping.set)
    thread.join()
    loop.close()


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
    async with facade.AsyncClient(target, filters=[each, once], retries=1) as client:
        with pytest.raises(facade.Unavailable, match=r"\(2/2\) from the registry static"):
            await client.refer(Where).port()
        assert (once.calls, each.calls) == (1, 2)


async def test_filter_of_attempts_is_made_for_each_provider(sites):
    """One that limits calls under way limits them at each."""
    async with facade.AsyncClient(static(sites), loadbalance="round_robin") as client:
        where = client.refer(Where, actives=1, timeout=20.0)
        await spread(where.port, sites)
        calls = [asyncio.create_task(where.slow()) for _ in range(3)]
        await asyncio.gather(*(site.here.started.wait() for site in sites))
        for site in sites:
            site.here.released.set()
        assert set(await asyncio.gather(*calls)) == {site.server.port for site in sites}


async def test_settings_by_client_reference_and_method(sites):
    async with facade.AsyncClient(static(sites), cluster="failfast") as client:
        assert repr(client.refer(Where).port).endswith("Failfast('test.Where')>")
        own = client.refer(Where, cluster="failsafe", methods={"slow": {"cluster": "failover"}})
        assert "Failsafe" in repr(own.port)
        assert await client.refer(Where, mock=7, mock_force=True).port() == 7
        broken = client.refer(Where, cluster="failsafe", methods={"port": {"mock": 1}})
        assert await broken.port() != 1


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"cluser": "failover"}, TypeError, "did you mean 'cluster'"),
        ({"timeot": 1.0}, TypeError, "did you mean 'timeout'"),
        ({"subset": 0}, ValueError, "subset=0"),
        ({"subset": 1.5}, TypeError, "subset=1.5: a number, or a Subset"),
        ({"health": 3}, TypeError, "health=3: a Health"),
        ({"zone": 3}, TypeError, "zone=3: the name"),
        ({"routers": [3]}, TypeError, "routers: 3 is none"),
        ({"idle": -1}, ValueError, "idle=-1"),
        ({"idle": float("nan")}, ValueError, "idle=nan"),
        ({"idle": "1"}, TypeError, "idle: '1' is not a number of seconds"),
        ({"keep": -1}, ValueError, "keep=-1"),
        ({"keep": "1"}, TypeError, "keep: '1' is not a number of seconds"),
        ({"cluster": "failove"}, ValueError, "did you mean 'failover'"),
        ({"loadbalance": "p3c"}, ValueError, "did you mean 'p2c'"),
        ({"retry_budget": float("nan")}, ValueError, "retry_budget=nan"),
        ({"retry_backoff": float("nan")}, ValueError, "retry_backoff=nan"),
        ({"retry_backoff_max": float("nan")}, ValueError, "retry_backoff_max=nan"),
        ({"attempt_timeout": float("nan")}, ValueError, "attempt_timeout=nan"),
        ({"cluster": "failback", "failback_pause": float("nan")}, ValueError, "pause=nan"),
        ({"cluster": 3}, TypeError, "cluster is str"),
        ({"native": True, "unary": True}, ValueError, "native=True"),
    ],
)
def test_wrong_settings_are_errors_at_once(options, error, said):
    with pytest.raises(error, match=said):
        facade.AsyncClient("static:127.0.0.1:1", **options)


async def test_wrong_settings_of_a_reference_are_errors_at_once():
    async with facade.AsyncClient("static:127.0.0.1:1") as client:
        with pytest.raises(ValueError, match="did you mean 'failover'"):
            client.refer(Where, cluster="failove")
        with pytest.raises(ValueError, match="did you mean 'loadbalance'"):
            client.refer(Where, loadbalanse="p2c")


def test_one_address_takes_no_settings_of_many():
    """They would do nothing; repeating calls can be had there, too."""
    with pytest.raises(ValueError, match="write it as static:"):
        facade.AsyncClient("127.0.0.1:1", loadbalance="p2c")
    one = facade.AsyncClient("127.0.0.1:1", retries=1)
    assert "retry" in repr(one)
    with pytest.raises(ValueError, match="write it as static:"):
        one.refer(Where, methods={"port": {"mock": 1}})
    assert "retry" not in repr(facade.AsyncClient("static:127.0.0.1:1", retries=1))


def test_unknown_registry_is_named_with_those_there_are():
    with pytest.raises(ValueError, match="did you mean 'zookeeper'"):
        facade.AsyncClient("zokeeper://127.0.0.1:2181")


async def test_list_in_a_file_is_followed(sites, tmp_path):
    """Calls that a provider has are answered when the list names it no more."""
    path = tmp_path / "providers.json"

    def write(wanted):
        new = tmp_path / "new.json"
        new.write_text(json.dumps([site.address for site in wanted]))
        new.rename(path)

    write(sites[:1])
    async with facade.AsyncClient(f"file://{path}?interval=0.01", timeout=20.0) as client:
        where = client.refer(Where)
        first = asyncio.create_task(where.slow())
        await sites[0].here.started.wait()
        write(sites[1:])
        while await where.port() == sites[0].server.port:  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(0.01)
        sites[0].here.released.set()
        assert await first == sites[0].server.port
        assert len(await spread(where.port, sites[1:])) == 2


async def test_target_names_the_service(sites):
    """The client is for it: it need not be named again, is there before the first reference, and
    nothing else is described."""
    target = static(sites).replace("static:", "static://") + "/test.Where"
    async with facade.AsyncClient(target) as client:
        await client.ready()
        assert client.available
        port = await client.generic().invoke("port")
        assert port in {site.server.port for site in sites}
        assert await client.refer(Where).port() in {site.server.port for site in sites}
        assert [s.name for s in (await client.describe()).services] == ["test.Where"]


def test_target_names_another_service(sites):
    """That is told where it is referred to, not by calls."""
    target = "zookeeper://127.0.0.1:1/test.Other"
    for refer in (
        lambda client: client.refer(Where),
        lambda client: client.generic("test.Where"),
        lambda client: client.generic("test.Where", version="2"),
    ):
        client = facade.Client(target)
        with pytest.raises(ValueError, match=r"is for test\.Other, which its target names"):
            refer(client)
    with pytest.raises(ValueError, match="Its name is missing, and the target names none"):
        facade.Client("static:127.0.0.1:1").generic()
    with pytest.raises(ValueError, match="Its name is missing"):
        facade.Client("127.0.0.1:1").generic()
    with pytest.raises(ValueError, match="is not \\[group/\\]service\\[:version\\]"):
        facade.Client("zookeeper://127.0.0.1:1/a:")


@pytest.mark.parametrize(
    ("path", "group", "version", "key"),
    [
        ("demo.A", "", "", "demo.A"),
        ("demo.A", "north", "2", "north/demo.A:2"),
        ("north/demo.A:2", "", "", "north/demo.A:2"),
        ("demo.A?version=2", "south", "", "south/demo.A:2"),
        ("demo.A:2", "", "3", None),
        ("north/demo.A", "south", "", None),
    ],
)
def test_group_and_version_of_the_target(path, group, version, key):
    """What it says holds; what it does not say is any."""
    named = Named.of(f"zookeeper://h:1/{path}")
    if key is None:
        with pytest.raises(ValueError, match="make another client"):
            named.fitting("demo.A", group, version)
    else:
        assert named.fitting("demo.A", group, version)[1] == key


async def test_references_that_say_the_same_share_what_they_know(sites):
    """And services at one address share the connection."""
    connected = []
    async with facade.AsyncClient(static(sites[:1]), on_connect=connected.append) as client:
        for _ in range(5):
            await client.refer(Where, retries=1).port()
        await client.refer(Other).port()
        assert len(connected) == 1
        assert len(list(client._wire.scopes)) == 2


async def test_routers_and_subset(sites):
    async with facade.AsyncClient(static(sites), routers=[TagRouter()], subset=2) as client:
        where = client.refer(Where)
        assert len(await spread(where.port, sites[:2])) == 2
    async with facade.AsyncClient(static(sites), subset=Subset(1, place=(0, 3))) as client:
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


async def test_closed_client_says_so_and_hangs_up(sites):
    gone = asyncio.Event()
    client = facade.AsyncClient(static(sites), on_disconnect=lambda peer, error: gone.set())
    where = client.refer(Where)
    await where.port()
    await client.close()
    await gone.wait()
    with pytest.raises(facade.Unavailable, match="closed"):
        await where.port()
    with pytest.raises(facade.Unavailable, match="closed"):
        client.refer(Where)
    never = facade.AsyncClient(static(sites))
    await never.close()


async def test_calls_under_way_have_the_grace_of_the_close(sites):
    client = facade.AsyncClient(static(sites[:1]), timeout=20.0)
    where = client.refer(Where)
    call = asyncio.create_task(where.slow())
    await sites[0].here.started.wait()
    closing = asyncio.create_task(client.close(20.0))
    sites[0].here.released.set()
    assert await call == sites[0].server.port
    await closing
    client = facade.AsyncClient(static(sites[:1]), timeout=20.0)
    sites[0].here.released.clear()
    sites[0].here.started.clear()
    call = asyncio.create_task(client.refer(Where).slow())
    await sites[0].here.started.wait()
    await client.close(0.01)
    with pytest.raises(facade.RpcError):
        await call


async def test_registry_that_tells_nothing_is_an_error_in_time(tmp_path):
    async with facade.AsyncClient(f"file://{tmp_path}/none.json", timeout=0.2) as client:
        with pytest.raises(facade.Unavailable, match=r"has not told within 0\.2 s") as raised:
            await client.refer(Where).port()
        assert raised.value.sent is facade.Sent.NOT_SENT
        assert raised.value.code is facade.Code.NO_INVOKER_AVAILABLE


async def test_registry_that_can_not_be_asked_is_an_error_at_once(sites, monkeypatch, caplog):
    """Those who wait are told why, whatever time they have; the next call asks again."""
    refused = asyncio.Event()

    async def refuse(self, *facts):
        await refused.wait()
        raise PermissionError("not for you")

    async with facade.AsyncClient(static(sites), timeout=600) as client:
        where = client.refer(Where)
        with monkeypatch.context() as patched:
            patched.setattr(StaticRegistry, "subscribe", refuse)
            calls = [asyncio.create_task(c) for c in (where.port(), anext(where.count(1)))]
            asyncio.get_running_loop().call_later(0.01, refused.set)
            done, _ = await asyncio.wait(calls, timeout=20)
            assert done == set(calls)
        for call in calls:
            assert isinstance(call.exception(), facade.Unavailable)
            assert call.exception().sent is facade.Sent.NOT_SENT
            assert "not for you" in str(call.exception())
        assert await where.port() in {site.server.port for site in sites}


async def test_close_ends_calls_that_wait_for_the_registry(tmp_path):
    """Those, too, that may take as long as they like."""
    client = facade.AsyncClient(f"file://{tmp_path}/none.json", timeout=600)
    where = client.refer(Where)
    calls = [asyncio.create_task(c) for c in (where.port(), anext(where.count(1)), client.ready())]
    await asyncio.sleep(0.01)  # they may as well begin when it is closed
    await client.close()
    done, _ = await asyncio.wait(calls, timeout=20)
    assert done == set(calls)
    for call in calls:
        error = call.exception()
        assert isinstance(error, facade.Unavailable)
        assert error.sent is facade.Sent.NOT_SENT
        assert "closed" in str(error)


async def test_peers_of_other_providers_stay_when_one_goes(sites, tmp_path):
    """Who is told of connections hears of the one that ended, and of others when they do."""
    path = tmp_path / "providers.json"
    path.write_text(json.dumps([site.address for site in sites[:2]]))
    gone = asyncio.Queue()

    async def on_disconnect(peer, error):
        await gone.put(peer.remote_address)

    async with (
        facade.AsyncClient(
            f"file://{path}?interval=0.01", timeout=20, on_disconnect=on_disconnect
        ) as client,
        facade.AsyncClient(sites[0].address, timeout=20) as other,  # shares the connection
    ):
        where = client.refer(Where)
        await spread(where.port, sites[:2])
        assert await other.refer(Where).port() == sites[0].server.port
        new = path.with_suffix(".new")
        new.write_text(json.dumps([sites[1].address]))
        new.replace(path)
        assert await gone.get() == sites[0].address
        assert await where.port() == sites[1].server.port
        assert gone.empty()
        await sites[1].server.stop()
        assert await gone.get() == sites[1].address


async def test_provider_publishes_timeouts_for_its_services_alone(sites):
    """What another one publishes does not take them away."""
    slow = Site()
    slow.server = facade.Server()
    slow.server.export(Where, slow.here, timeout=33.0)
    await slow.start()
    async with facade.AsyncClient(static([slow, *sites])) as client:
        where = client.refer(Where)
        await spread(where.port, [slow, *sites])
        limits = client._limits
        assert limits._published["test.Where"].name == "test.Where"
        assert "test.Other" in limits._published
    await slow.server.stop()


async def test_stubs_need_one_address(sites):
    async with facade.AsyncClient(static(sites)) as client:
        with pytest.raises(ValueError, match="names many providers"):
            client.channel()


@facade.service("test.Said", cluster="failfast", loadbalance="p2c", weight=30)
class Said:
    @facade.method(sticky=True)
    async def port(self) -> int: ...


async def test_interface_says_it_for_both_ends():
    """A client of one address, and a provider, pass over what is for clusters."""

    class Impl(Said):
        async def port(self) -> int:
            return server.port

    server = facade.Server()
    server.export(Said, Impl())
    async with server:
        async with facade.AsyncClient(f"127.0.0.1:{server.port}") as one:
            assert await one.refer(Said).port() == server.port
        async with facade.AsyncClient(f"static:127.0.0.1:{server.port}") as many:
            assert "Failfast" in repr(many.refer(Said).port)
            assert await many.refer(Said).port() == server.port


async def test_provider_without_the_exchange_is_called_natively(sites, tmp_path):
    """As a registry says of those of Dubbo."""
    path = tmp_path / "providers.json"
    path.write_text(json.dumps([{"address": sites[0].address, "exchange": False}]))
    async with facade.AsyncClient(f"file://{path}", on_connect=print) as client:
        where = client.refer(Where)
        assert await where.port() == sites[0].server.port
        assert [port async for port in where.count(2)] == [sites[0].server.port] * 2
        assert not next(iter(client._wire.wires)).connector.available


def test_cluster_is_imported_by_those_who_have_one():
    """Others do not wait for it."""
    code = "import facade, sys; print([m for m in sys.modules if m.startswith('facade.cl')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_parameters_of_a_client_are_those_that_clusters_read():
    """None is without a type, or without anybody who reads it."""
    assert {*ClusterOptions.__annotations__} == {*KEYS, *DIRECTORY}
