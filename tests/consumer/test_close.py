"""Closing a client that is in use. Over gRPC."""

import asyncio
import json
from collections.abc import Callable
from urllib.parse import quote_plus

import pytest

import facade
from facade.consumer import clustered
from facade.registry import Provider, parse
from facade.registry.dubbo_url import provider_url
from facade.registry.file import FileRegistry
from facade.registry.nodes import NodeRegistry


@facade.service("close.Worker")
class Worker:
    async def echo(self, text: str) -> str: ...

    async def work(self) -> str: ...

    async def keep(self, callback: Callable[[], None]) -> None: ...


@pytest.fixture
async def server(impl):
    server = facade.Server("127.0.0.1:0")

    async def keep(callback):
        impl.callback = callback

    impl.keep = keep
    server.export(Worker, impl)
    await server.start()
    yield server
    impl.released.set()
    await server.stop()


@pytest.mark.parametrize("shared", [False, True])
async def test_close_that_is_cancelled_hangs_up(shared, server, impl):
    """Nobody waits for calls under way any more, and nothing of the client stays behind: they
    end, and what it handed over can't be called. Others that share the connection go on."""
    client, other = (facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=600) for _ in range(2))
    async with other:
        if shared:
            assert await other.refer(Worker).echo("here") == "here"
        worker = client.refer(Worker)
        await worker.keep(lambda: None)
        await impl.callback()
        call = asyncio.create_task(worker.work())
        await impl.started.wait()
        closing = asyncio.create_task(client.close(600))
        for _ in range(10):
            await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait((closing,))
        assert closing.cancelled()
        await asyncio.wait((call,), timeout=20)
        assert isinstance(call.exception(), facade.Unavailable)
        assert call.exception().sent is facade.Sent.MAYBE_EXECUTED
        with pytest.raises(facade.Unavailable):
            await impl.callback()
        assert await other.refer(Worker).echo("still") == "still"


async def test_provider_that_holds_callbacks_is_not_idle(server, impl):
    """Nobody calls it, but it calls back: its connection stays, until they are released."""

    def callback():
        pass

    async with facade.AsyncClient(f"static:127.0.0.1:{server.port}", idle=60, timeout=20) as client:
        await client.refer(Worker).keep(callback)
        (scope,) = client._wire.scopes
        directory = scope.clusters[0].directory
        (endpoint,) = directory.endpoints
        for _ in range(3):
            directory.sweep()
        for _ in range(10):
            await asyncio.sleep(0)
        await impl.callback()
        assert client.release(callback)
        directory.sweep()
        for _ in range(10):
            await asyncio.sleep(0)
        assert endpoint.invoker is None


@pytest.mark.parametrize("gone", [False, True])
async def test_close_of_many_that_is_cancelled_hangs_up(gone, server, impl, tmp_path, monkeypatch):
    """The same for each provider, those that the registry names no more, too; and that is left."""
    left_registry = asyncio.Event()
    close = FileRegistry.close

    async def leave(self):
        await close(self)
        left_registry.set()

    monkeypatch.setattr(FileRegistry, "close", leave)
    path = tmp_path / "providers.json"
    path.write_text(json.dumps([f"127.0.0.1:{server.port}"]))
    before = asyncio.all_tasks()
    client = facade.AsyncClient(f"file://{path}?interval=0.01", timeout=600)
    call = asyncio.create_task(client.refer(Worker).work())
    await impl.started.wait()
    if gone:
        (scope,) = client._wire.scopes
        new = path.with_suffix(".new")
        new.write_text(json.dumps(["127.0.0.1:1"]))
        new.replace(path)
        while [e.address for e in scope.clusters[0].directory.endpoints] != ["127.0.0.1:1"]:
            scope.clusters[0].directory.begin()
            await asyncio.sleep(0.01)
    closing = asyncio.create_task(client.close(600))
    for _ in range(20):
        await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait((closing, call), timeout=20)
    assert closing.cancelled()
    assert isinstance(call.exception(), facade.Unavailable)
    assert left_registry.is_set()
    names = {"facade-registry-poll", "facade-close", "facade-connection"}
    left = {task for task in asyncio.all_tasks() - before if task.get_name() in names}
    if left:
        await asyncio.wait(left, timeout=20)
    assert all(task.done() for task in left)


class FrozenNodes:
    """A tree of nodes that has told who provides, and answers nothing else."""

    def __init__(self, address):
        self.name = quote_plus(provider_url(Provider(address, "close.Worker")))

    def on_forgotten(self, forgotten):
        pass

    def watch(self, folder, told):
        asyncio.get_running_loop().call_soon(told, [self.name])
        return lambda: None

    async def put(self, path):
        await asyncio.Event().wait()

    remove = put

    async def close(self):
        await asyncio.Event().wait()


async def test_close_does_not_wait_for_a_frozen_registry(server, monkeypatch):
    """Connections are hung up, whatever the registry does."""
    target = "zookeeper://127.0.0.1:1"
    nodes = FrozenNodes(f"127.0.0.1:{server.port}")
    registry = NodeRegistry(nodes, parse(target), ("127.0.0.1:1",))
    monkeypatch.setattr(clustered, "open_registry", lambda target, application: registry)
    hung_up = asyncio.Event()
    client = facade.AsyncClient(target, timeout=20, on_disconnect=lambda peer, error: hung_up.set())
    assert await client.refer(Worker).echo("here") == "here"
    async with asyncio.timeout(60):
        await client.close(20)
        await hung_up.wait()
    assert not {task.get_name() for task in asyncio.all_tasks()} & {
        "facade-leave",
        "facade-subscribe",
        "facade-registry-announce",
    }


@pytest.mark.parametrize("settings", [{}, {"unary": True}, {"native": True}], ids=str)
@pytest.mark.parametrize("many", [False, True])
async def test_call_that_has_not_ended_in_time_is_an_error(many, settings, server, impl):
    """Nobody has cancelled who waits for it."""
    target = f"{'static:' * many}127.0.0.1:{server.port}"
    client = facade.AsyncClient(target, timeout=600, **settings)
    call = asyncio.create_task(client.refer(Worker).work())
    await impl.started.wait()
    await client.close(0.0)
    await asyncio.wait((call,), timeout=20)
    assert not call.cancelled()
    assert isinstance(call.exception(), facade.Unavailable)
    assert call.exception().sent is facade.Sent.MAYBE_EXECUTED
