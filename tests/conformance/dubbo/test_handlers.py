"""What the user wants called when a connection is made, and when it ends. (Stub events)"""

import asyncio
import logging
import threading

import pytest

import facade
from facade.exchange.memory import MemoryTransport

STREAMS = pytest.mark.parametrize("wire", ["memory", "stream", "blocking"], indirect=True)


@facade.service("handlers.Worker")
class Worker:
    async def echo(self, text: str) -> str: ...


class WorkerImpl(Worker):
    async def echo(self, text: str) -> str:
        return text


class Events:
    """What handlers were told; plain ones and async ones."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._told: asyncio.Queue = asyncio.Queue()
        self.get = self._told.get
        self.empty = self._told.empty

    def _note(self, *facts) -> None:
        self._loop.call_soon_threadsafe(self._told.put_nowait, facts)

    def settings(self, kind):
        if kind == "plain":
            return {
                "on_connect": lambda peer: self._note("connect", peer),
                "on_disconnect": lambda peer, error: self._note("disconnect", peer, error),
            }

        async def on_connect(peer):
            self._note("connect", peer)

        async def on_disconnect(peer, error):
            self._note("disconnect", peer, error)

        return {"on_connect": on_connect, "on_disconnect": on_disconnect}


async def close(wire, client):
    await (asyncio.to_thread(client.close) if wire.blocking else client.close())


@STREAMS
@pytest.mark.parametrize("kind", ["plain", "async"])
@pytest.mark.behaviour("B7.47")
async def test_consumer_is_told(wire, kind):
    """Of a connection when it is made, and when it is closed: by whom it was with."""
    events = Events()
    server = await wire.provide((Worker, WorkerImpl()), application="shop")
    client = wire.connect(server, **events.settings(kind))
    assert await wire.call(client.refer(Worker).echo, "hi") == "hi"
    name, peer = await events.get()
    assert (name, peer.application) == ("connect", "shop")
    assert peer.remote_address
    await close(wire, client)
    assert await events.get() == ("disconnect", peer, None)
    assert events.empty()


@STREAMS
@pytest.mark.parametrize("kind", ["plain", "async"])
@pytest.mark.behaviour("B7.47")
async def test_provider_is_told(wire, kind):
    """Of each consumer that connects, and of each that leaves."""
    events = Events()
    server = await wire.provide((Worker, WorkerImpl()), **events.settings(kind))
    peers = {}
    clients = {name: wire.connect(server, application=name) for name in ("till", "desk")}
    for name, client in clients.items():
        await wire.call(client.refer(Worker).echo, "hi")
        event, peers[name] = await events.get()
        assert (event, peers[name].application) == ("connect", name)
    for name, client in clients.items():
        await close(wire, client)
        assert await events.get() == ("disconnect", peers[name], None)


@STREAMS
@pytest.mark.behaviour("B7.47", "B7.18")
async def test_reason_of_a_loss(wire):
    """Both ends are told why, where a connection did not end in peace."""
    ours, theirs = Events(), Events()
    server = await wire.provide((Worker, WorkerImpl()), **theirs.settings("async"))
    client = wire.connect(server, **ours.settings("async"))
    await wire.call(client.refer(Worker).echo, "hi")
    for events in (ours, theirs):
        assert (await events.get())[0] == "connect"
    (connection,) = server._streams.connections
    connection.abort(facade.Unavailable("cut by the test"))
    for events in (ours, theirs):
        name, _, error = await events.get()
        assert name == "disconnect"
        assert "cut by the test" in str(error)


@pytest.mark.parametrize("wire", ["stream", "blocking"], indirect=True)
@pytest.mark.behaviour("B7.47")
async def test_each_client_is_told_of_a_shared_connection(wire):
    """When it begins to use it, and when it leaves it: the other one hears nothing."""
    server = await wire.provide((Worker, WorkerImpl()))
    events = [Events(), Events()]
    clients = [wire.connect(server, **each.settings("plain")) for each in events]
    for client in clients:
        await wire.call(client.refer(Worker).echo, "hi")
    for each in events:
        assert (await each.get())[0] == "connect"
    assert len(server._streams.connections) == 1
    await close(wire, clients[0])
    assert (await events[0].get())[0] == "disconnect"
    await wire.call(clients[1].refer(Worker).echo, "hi")
    assert events[1].empty()


@STREAMS
@pytest.mark.behaviour("B7.24", "B7.47")
async def test_handler_that_fails(wire, caplog):
    """It only warns: the connection is used, and the other handler is called."""
    caplog.set_level(logging.WARNING, "facade")
    events = Events()

    def broken(peer):
        raise ValueError("no")

    settings = {**events.settings("plain"), "on_connect": broken}
    server = await wire.provide((Worker, WorkerImpl()), **settings)
    client = wire.connect(server)
    assert await wire.call(client.refer(Worker).echo, "hi") == "hi"
    await close(wire, client)
    assert (await events.get())[0] == "disconnect"
    assert "Failed to invoke event method" in caplog.text
    assert "broken" in caplog.text


@STREAMS
@pytest.mark.parametrize("error", [StopIteration, SystemExit])
@pytest.mark.behaviour("B7.47")
async def test_handler_that_raises_what_no_task_may(wire, error, caplog):
    """It only warns as well: the process goes on, and so do the handlers."""
    events = Events()

    def broken(peer):
        raise error

    settings = {**events.settings("plain"), "on_connect": broken}
    server = await wire.provide((Worker, WorkerImpl()), **settings)
    client = wire.connect(server)
    assert await wire.call(client.refer(Worker).echo, "hi") == "hi"
    await close(wire, client)
    assert (await asyncio.wait_for(events.get(), 20))[0] == "disconnect"
    assert f"broken raised {error.__name__}" in caplog.text


@STREAMS
@pytest.mark.parametrize("kind", ["plain", "async"])
@pytest.mark.behaviour("B7.24", "B7.47")
async def test_handler_that_takes_long(wire, kind):
    """No call waits for it, at neither end."""
    finish, finished = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def plain(peer):
        assert finish.wait(30)

    async def waits(peer):
        await asyncio.to_thread(finish.wait, 30)
        loop.call_soon_threadsafe(finished.set)

    settings = {"on_connect": plain if kind == "plain" else waits}
    try:
        server = await wire.provide((Worker, WorkerImpl()), **settings)
        client = wire.connect(server, **settings)
        for _ in range(3):
            assert await wire.call(client.refer(Worker).echo, "hi") == "hi"
        assert not finished.is_set()
    finally:
        finish.set()


@pytest.mark.parametrize("end", [facade.AsyncClient, facade.Server])
def test_handler_that_is_none(end):
    """What can't be called is an error when the end is made."""
    with pytest.raises(TypeError, match="on_disconnect is a function"):
        end("nobody:1", on_disconnect="log")


async def test_handler_that_never_ends(caplog):
    """A close gives it up, and says so."""
    server = facade.Server()
    server.export(Worker, WorkerImpl())
    transport = MemoryTransport(server.exchange, server.invoke)
    hang = asyncio.Event()

    async def on_connect(peer):
        await hang.wait()

    client = facade.AsyncClient("memory", timeout=20, transport=transport, on_connect=on_connect)
    assert await client.refer(Worker).echo("hi") == "hi"
    await client.close(grace=0)
    assert "had not ended" in caplog.text
    await server.stop()
