"""The connections of a client of many: who shares them, and how they are closed."""

import asyncio
import gc
import json
import weakref

import pytest

import facade
from facade.consumer.describer import Describer
from facade.consumer.wire import Wire
from facade.registry import Provider
from tests.consumer.clustered.site import Other, Where, spread, static


async def test_references_that_say_the_same_share_what_they_know(sites):
    """And services at one address share the connection."""
    connected = []
    async with facade.AsyncClient(
        static(sites[:1]), on_connect=connected.append, timeout=20
    ) as client:
        for _ in range(5):
            await client.refer(Where, retries=1).port()
        await client.refer(Other).port()
        assert len(connected) == 1
        assert len(list(client._wire.scopes)) == 2


class Seen(facade.Filter):
    async def invoke(self, invoker, invocation):
        self.seen = getattr(self, "seen", 0) + 1
        return await invoker.invoke(invocation)


class SeenEachTime(Seen):
    per_attempt = True


async def test_reference_with_filters_of_its_own_leaves_nothing_behind(sites):
    """Whoever refers anew for each call: providers are looked at once for all of them, and the
    filters go with their reference."""
    async with facade.AsyncClient(static(sites[:1]), filters=["default", Seen()]) as client:
        own = [Seen() for _ in range(5)]
        for each in own:
            where = client.refer(Where, filters=[each])
            for _ in range(2):
                await where.port()
        assert [each.seen for each in own] == [2] * 5
        await client.refer(Where).port()
        assert len(list(client._wire.scopes)) == 1
        left = [weakref.ref(each) for each in own]
        del own, each, where
        gc.collect()
        assert [ref() for ref in left] == [None] * 5


async def test_filters_of_attempts_have_ways_of_their_own(sites):
    """They stand at the providers: only references with the same ones share these."""
    async with facade.AsyncClient(static(sites[:1])) as client:
        one, two = SeenEachTime(), SeenEachTime()
        for filters in ([one], [two], [Seen(), one]):
            await client.refer(Where, filters=filters).port()
        assert (one.seen, two.seen) == (2, 1)
        assert len(list(client._wire.scopes)) == 2


async def test_references_with_the_client_s_filters_share_them(sites):
    """As far as they say the same: what one has in its cache, the other has."""
    attempts = SeenEachTime()
    async with facade.AsyncClient(static(sites[:1]), filters=["default", attempts]) as client:
        for _ in range(3):
            await client.refer(Where, cache="lru").port()
        assert attempts.seen == 1


async def test_closed_client_says_so_and_hangs_up(sites):
    gone = asyncio.Event()
    client = facade.AsyncClient(
        static(sites), on_disconnect=lambda peer, error: gone.set(), timeout=20
    )
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


@pytest.fixture
def frozen(monkeypatch):
    """Providers whose connections can't be hung up in peace. Set once that was begun, and cleared
    when it is given up."""
    hanging_up = asyncio.Event()
    close = Wire.close

    async def never(self, grace):
        hanging_up.set()
        try:
            await asyncio.Event().wait()
        finally:
            hanging_up.clear()
            await close(self, 0.0)

    monkeypatch.setattr(Wire, "close", never)
    return hanging_up


async def test_description_does_not_wait_for_the_hang_up(sites, frozen):
    """The provider has answered. That is given up when the client is closed, at the latest."""
    client = facade.AsyncClient(static(sites[:1]), timeout=20)
    async with asyncio.timeout(60):
        assert (await client.describe("test.Where")).services
        await frozen.wait()
        await client.close(0.0)
    assert not frozen.is_set()


async def test_provider_that_was_let_go_before_has_the_grace_of_the_close(sites, frozen):
    """It may be frozen, and would be waited for much longer."""
    client = facade.AsyncClient(static(sites[:1]), timeout=20)
    await client.refer(Where).port()
    (scope,) = client._wire.scopes
    scope.clusters[0].directory.update([Provider("127.0.0.1:1")])
    async with asyncio.timeout(60):
        await frozen.wait()
        await client.close(0.0)
    assert not frozen.is_set()


async def test_no_further_provider_is_asked_when_the_time_is_up(sites, monkeypatch):
    """And the error is that of the one which took it."""
    asked = []

    async def late(self, timeout, *service):
        asked.append(timeout)
        await asyncio.sleep(timeout * 2)
        raise facade.DeadlineExceeded("no answer")

    monkeypatch.setattr(Describer, "describe", late)
    async with facade.AsyncClient(static(sites), timeout=0.05) as client:
        with pytest.raises(facade.DeadlineExceeded, match="no answer"):
            await client.describe()
    assert len(asked) == 1
