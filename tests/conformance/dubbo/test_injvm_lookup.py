"""Which service a call within the process finds."""

import contextlib

import pytest

import facade
from facade.exchange.injvm import exported

LONG = 20.0


@facade.service("lookup.Shop", version="1.0")
class Shop:
    async def look(self) -> str: ...


class Named(Shop):
    def __init__(self, name: str = "shop") -> None:
        self.name = name

    async def look(self) -> str:
        return f"{self.name} at {facade.RpcContext.service().remote_address}"


@pytest.fixture
async def server():
    server = facade.Server("injvm")
    server.export(Shop, Named())
    async with server:
        yield server


@pytest.fixture
async def client(server):
    async with facade.AsyncClient("injvm", timeout=LONG) as client:
        yield client


@pytest.mark.behaviour("B8.20", "B8.22")
async def test_service_that_is_missing(client):
    """It is not found under its key, and the error tells what there is."""
    with pytest.raises(facade.Unimplemented) as raised:
        await client.refer(Shop, version="2.0").look()
    assert str(raised.value) == (
        "Service [lookup.Shop:2.0] not found: no server that runs in this process exports it at "
        "'injvm'; did you mean 'lookup.Shop:1.0'? there are: lookup.Shop:1.0"
    )
    assert raised.value.sent is facade.Sent.NOT_SENT


@pytest.mark.behaviour("B8.20")
async def test_wildcards_are_none(client):
    """Our decision: "*" is no group and no version; a key says which service is meant."""
    with pytest.raises(facade.Unimplemented, match=r"Service \[\*/lookup\.Shop:\*\] not found"):
        await client.refer(Shop, group="*", version="*").look()


@pytest.mark.behaviour("B8.24")
async def test_nothing_is_exported():
    """Before its server runs and after it, nobody is there: unavailable, and safe to send again."""
    server = facade.Server("injvm:alone")
    server.export(Shop, Named())
    async with facade.AsyncClient("injvm:alone", timeout=LONG) as client:
        shop = client.refer(Shop)
        assert not client.invoker.available
        with pytest.raises(facade.Unavailable, match="not found"):
            await shop.look()
        async with server:
            assert client.invoker.available
            assert await shop.look() == "shop at injvm:alone"
        assert not client.invoker.available
        with pytest.raises(facade.Unavailable, match="exports anything at 'injvm:alone'"):
            await shop.look()
    assert exported.keys("injvm:alone") == []


@pytest.mark.behaviour("B8.5", "B8.21")
async def test_server_of_a_network_is_reached_within_the_process():
    """What a server exports to the network, its own process calls without it."""
    server = facade.Server("127.0.0.1:0")
    server.export(Shop, Named("network"))
    async with server, facade.AsyncClient("injvm", timeout=LONG) as client:
        shown = await client.refer(Shop).look()
    assert shown == "network at injvm"


@pytest.mark.behaviour("B8.5", "B8.21")
@pytest.mark.parametrize("scope", ["local", "remote", None])
async def test_scope(scope):
    """A service of scope local is not for the network, and one of scope remote only for it."""
    server = facade.Server("127.0.0.1:0")
    server.export(Shop, Named(), scope=scope)
    reached = set()
    async with server:
        for where, target in (("remote", f"127.0.0.1:{server.port}"), ("local", "injvm")):
            async with facade.AsyncClient(target, timeout=LONG) as client:
                with contextlib.suppress(facade.Unimplemented, facade.Unavailable):
                    await client.refer(Shop).look()
                    reached.add(where)
    assert reached == ({scope} if scope else {"local", "remote"})


async def test_local_service_is_not_told_to_the_network():
    """The error for a missing service lists what there is for whom it is told."""
    server = facade.Server("127.0.0.1:0")
    server.export(Shop, Named(), scope="local")
    async with server, facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=LONG) as client:
        with pytest.raises(facade.Unimplemented, match="there are: none at all"):
            await client.refer(Shop).look()


def test_scope_that_makes_no_sense():
    """It is told at the export."""
    with pytest.raises(ValueError, match="scope is 'local', 'remote' or None for both"):
        facade.Server().export(Shop, Named(), scope="nowhere")
    with pytest.raises(ValueError, match="this server listens to no network"):
        facade.Server("injvm").export(Shop, Named(), scope="remote")


@pytest.mark.behaviour("B8.4", "B8.20")
async def test_last_server_answers(server, client):
    """Two servers may export one key; when the newer one stops, the older one is back."""
    shop = client.refer(Shop)
    newer = facade.Server("injvm")
    newer.export(Shop, Named("newer"))
    async with newer:
        assert await shop.look() == "newer at injvm"
    assert await shop.look() == "shop at injvm"


async def test_unexport_and_export_again(server, client):
    """A running server's exports come and go at once."""
    shop = client.refer(Shop)
    server.exporters[0].unexport()
    with pytest.raises(facade.Unavailable):
        await shop.look()
    server.export(Shop, Named("again"))
    assert await shop.look() == "again at injvm"
