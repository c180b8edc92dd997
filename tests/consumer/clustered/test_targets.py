"""What a target may name: a registry, a file, and a service."""

import asyncio
import json

import pytest

import facade
from facade.consumer.named import Named
from facade.registry.static import StaticRegistry
from tests.consumer.clustered.site import Where, spread, static


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


async def test_target_names_the_service(sites):
    """The client is for it: it need not be named again, is there before the first reference, and
    nothing else is described."""
    target = static(sites).replace("static:", "static://") + "/test.Where"
    async with facade.AsyncClient(target, timeout=20) as client:
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
