"""Which connection a call takes: one that is shared, or one of several."""

import asyncio
import itertools
import logging

import pytest

import facade
from facade.consumer.shared import SHARED

STREAMS = pytest.mark.parametrize("wire", ["memory", "stream", "blocking"], indirect=True)
# What is private in memory: a transport that is given is nobody else's.
GRPC = pytest.mark.parametrize("wire", ["stream", "blocking"], indirect=True)


@facade.service("connections.Worker")
class Worker:
    async def whence(self) -> str: ...

    async def work(self) -> str: ...


class WorkerImpl(Worker):
    """``whence`` names the connection it came by; ``work`` ends once it is released."""

    def __init__(self) -> None:
        self.started = asyncio.Semaphore(0)
        self.released = asyncio.Event()

    async def whence(self) -> str:
        return facade.RpcContext.service().remote_address

    async def work(self) -> str:
        self.started.release()
        await self.released.wait()
        return "done"


async def provide(wire, impl=None, **settings):
    """A provider that can tell its connections apart, in memory too."""
    server = await wire.provide((Worker, impl or WorkerImpl()), **settings)
    real, numbers = server.exchange, itertools.count()

    async def exchange(stream):
        stream.remote_address = f"memory:{next(numbers)}"
        await real(stream)

    if wire.name == "memory":
        server.exchange = exchange
    return server


async def whence(wire, client):
    return await wire.call(client.refer(Worker).whence)


async def ready(wire, client, *timeout):
    await (asyncio.to_thread(client.ready, *timeout) if wire.blocking else client.ready(*timeout))


async def close(wire, client, grace=5.0):
    await (asyncio.to_thread(client.close, grace) if wire.blocking else client.close(grace))


async def connections(server, count):
    """Wait until the provider has so many."""
    while len(server._streams.connections) != count:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0.001)


async def refusal(call):
    """How a call fails that waits in vain; again where its time was up before any attempt was."""
    while True:
        with pytest.raises(facade.Unavailable) as raised:
            await call()
        if "has not answered yet" not in str(raised.value):
            return raised.value


# Several of one client


@STREAMS
@pytest.mark.behaviour("B7.34", "B7.36")
async def test_calls_take_the_connections_in_turn(wire):
    """connections=n makes n private ones, and each call takes the next."""
    server = await provide(wire)
    client = wire.connect(server, connections=3)
    await ready(wire, client)
    await connections(server, 3)
    taken = [await whence(wire, client) for _ in range(9)]
    assert len(set(taken)) == 3
    assert taken == taken[:3] * 3


@STREAMS
@pytest.mark.behaviour("B7.36")
async def test_connection_that_is_gone_is_passed_over(wire):
    """Its calls go to the others without waiting, and it is made again meanwhile."""
    server = await provide(wire)
    loop, noticed = asyncio.get_running_loop(), asyncio.Event()
    client = wire.connect(
        server,
        connections=3,
        on_disconnect=lambda peer, error: loop.call_soon_threadsafe(noticed.set),
    )
    await ready(wire, client)
    lost = next(iter(server._streams.connections))
    lost.abort(facade.Unavailable("cut by the test"))
    await noticed.wait()
    gone = lost.peer.remote_address
    taken = set()
    while len(taken) < 3:
        taken.add(await whence(wire, client))
    assert gone not in taken


@STREAMS
@pytest.mark.behaviour("B7.36")
async def test_first_call_waits_for_one_connection_alone(wire):
    """Where the provider takes fewer connections than the client wants, calls go all the same."""
    server = await provide(wire, max_connections=2)
    client = wire.connect(server, connections=4)
    taken = {await whence(wire, client) for _ in range(20)}
    assert 1 <= len(taken) <= 2


@STREAMS
@pytest.mark.behaviour("B7.34")
async def test_ready_waits_for_all_connections(wire):
    """One that can't be had fails it, and says why."""
    server = await provide(wire, max_connections=1)
    client = wire.connect(server, connections=2)
    error = await refusal(lambda: ready(wire, client, 0.3))
    assert "no more than 1 connections" in str(error)


@pytest.mark.behaviour("B7.34")
@pytest.mark.parametrize("wrong", [-1, 1.5, True, None])
def test_number_of_connections_that_makes_no_sense(wrong):
    """It is an error when the client is made."""
    with pytest.raises(ValueError, match=f"connections={wrong}"):
        facade.AsyncClient("nobody:1", connections=wrong)


@pytest.mark.parametrize("wrong", [{"connections": 2}, {"on_connect": print}])
def test_unary_calls_have_no_connection(wrong):
    """What is about connections is refused there, rather than passed over."""
    with pytest.raises(ValueError, match="unary=True"):
        facade.AsyncClient("nobody:1", unary=True, **wrong)


# One of several clients


@GRPC
@pytest.mark.behaviour("B7.34")
async def test_clients_share_a_connection(wire):
    """Those with the same target and settings do, whatever else differs."""
    server = await provide(wire)
    first = wire.connect(server)
    second = wire.connect(server, wait_for_ready=False, timeout=15.0)
    assert await whence(wire, first) == await whence(wire, second)
    await connections(server, 1)


@GRPC
@pytest.mark.behaviour("B7.34")
@pytest.mark.parametrize("own", [{"connections": 1}, {"application": "other"}, {"heartbeat": 9.0}])
async def test_connection_is_not_shared(wire, own):
    """A client has one of its own that asks for it, or that would make it otherwise."""
    server = await provide(wire)
    first, second = wire.connect(server), wire.connect(server, **own)
    assert await whence(wire, first) != await whence(wire, second)


@STREAMS
@pytest.mark.behaviour("B7.37")
async def test_last_close_hangs_up(wire):
    """The connection is counted by reference: before, a close is felt by nobody else.

    Ours: what is called on a closed client fails. (Dubbo connects anew, and warns of a bug.)
    """
    server = await provide(wire)
    first, second = wire.connect(server), wire.connect(server)
    address = await whence(wire, first)
    again = await whence(wire, second)
    await close(wire, first)
    with pytest.raises(facade.Unavailable, match="the client is closed"):
        await whence(wire, first)
    assert await whence(wire, second) == again
    assert (address == again) is (wire.name != "memory")
    await close(wire, second)
    await connections(server, 0)


@GRPC
@pytest.mark.behaviour("B7.37", "B7.43")
async def test_close_waits_for_the_calls_of_its_client(wire):
    """They get their answers; then the connection goes on for the other client."""
    impl = WorkerImpl()
    server = await provide(wire, impl)
    first, second = wire.connect(server), wire.connect(server)
    address = await whence(wire, second)
    call = wire.start(first.refer(Worker).work)
    await impl.started.acquire()
    closing = asyncio.ensure_future(close(wire, first, 3600))
    await asyncio.sleep(0)
    impl.released.set()
    assert await call == "done"
    await closing
    assert await whence(wire, second) == address


@GRPC
@pytest.mark.behaviour("B7.37")
async def test_close_does_not_wait_for_the_calls_of_others(wire):
    """Nor does it disturb them."""
    impl = WorkerImpl()
    server = await provide(wire, impl)
    first, second = wire.connect(server), wire.connect(server)
    assert await whence(wire, first)
    call = wire.start(second.refer(Worker).work)
    await impl.started.acquire()
    await close(wire, first, 3600)
    assert not call.done()
    impl.released.set()
    assert await call == "done"


@GRPC
@pytest.mark.behaviour("B7.37", "B7.43")
async def test_call_that_outlasts_the_close_of_its_client(wire):
    """It fails, and may have been executed; those of the other client go on."""
    impl = WorkerImpl()
    server = await provide(wire, impl)
    first, second = wire.connect(server), wire.connect(server)
    calls = [wire.start(client.refer(Worker).work) for client in (first, second)]
    for _ in calls:
        await impl.started.acquire()
    await close(wire, first, 0.05)
    with pytest.raises(facade.Unavailable, match="the client closed") as raised:
        await calls[0]
    assert raised.value.sent is facade.Sent.MAYBE_EXECUTED
    impl.released.set()
    assert await calls[1] == "done"


async def test_close_wakes_its_own_calls_that_wait_for_a_connection(nobody):
    """Those of the other client wait on, for the time that they have."""
    first, second = (facade.AsyncClient(nobody, timeout=3600) for _ in range(2))
    calls = [client.refer(Worker).whence.future() for client in (first, second)]
    with pytest.raises(facade.Unavailable):
        await first.ready(0.1)  # so an attempt was made
    await first.close()
    with pytest.raises(facade.Unavailable, match="the client is closed") as raised:
        await calls[0]
    assert raised.value.sent is facade.Sent.NOT_SENT
    assert not calls[1].done()
    await second.close()
    with pytest.raises(facade.Unavailable, match="the client is closed"):
        await calls[1]


@pytest.fixture
def nobody():
    """An address where nobody listens, and nobody can meanwhile."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


async def test_connection_belongs_to_its_event_loop():
    """A client that was made at import is used in one loop after the other, and nothing of a
    closed loop is kept."""
    async with facade.Server("127.0.0.1:0") as server:
        server.export(Worker, WorkerImpl())
        client = facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20.0)
        worker = client.refer(Worker)

        async def call():
            address = await worker.whence()
            assert not [loop for loop, _ in SHARED._connectors if loop.is_closed()]
            return address

        addresses = [await asyncio.to_thread(asyncio.run, call()) for _ in range(3)]
        assert len(set(addresses)) == 3
        assert await worker.whence() not in addresses
        assert not [loop for loop, _ in SHARED._connectors if loop.is_closed()]
        await client.close()
    loop = asyncio.get_running_loop()
    assert not [key for holder, key in SHARED._connectors if holder is loop]


# Lazy, and checked when it is called


@STREAMS
@pytest.mark.behaviour("B7.35")
async def test_first_call_connects(wire):
    """Neither making a client nor referring to a service does: ours is Dubbo's lazy=true."""
    server = await provide(wire)
    worker = wire.connect(server).refer(Worker)
    assert not server._streams.connections
    await wire.call(worker.whence)
    assert len(server._streams.connections) == 1


@pytest.mark.behaviour("B7.35")
async def test_provider_that_is_away_is_no_error_of_refer(nobody):
    """As with check=false: the call waits, and says in the end what was wrong. ``ready`` is
    the check for who wants one."""
    async with facade.AsyncClient(nobody, timeout=0.2) as client:
        worker = client.refer(Worker)
        error = await refusal(worker.whence)
        assert "refused" in str(error)
        assert error.sent is facade.Sent.NOT_SENT
        with pytest.raises(facade.Unavailable, match=r"ready\(\): no connection"):
            await client.ready(0.2)


# How many the provider takes


@STREAMS
@pytest.mark.behaviour("B7.23")
async def test_connection_too_many(wire, caplog):
    """It is closed, the provider's log says so, and so does the error of its consumer."""
    caplog.set_level(logging.WARNING, "facade")
    server = await provide(wire, max_connections=1)
    first = wire.connect(server, connections=1)
    await whence(wire, first)
    second = wire.connect(server, connections=1, wait_for_ready=False)
    with pytest.raises(facade.Unavailable, match="no more than 1 connections") as raised:
        await whence(wire, second)
    assert raised.value.sent is facade.Sent.NOT_SENT
    assert "max_connections" in caplog.text
    await whence(wire, first)


@STREAMS
@pytest.mark.behaviour("B7.23")
async def test_place_of_a_connection_that_ended(wire):
    """The next one has it: who waited for it is served."""
    server = await provide(wire, max_connections=1)
    first, second = (wire.connect(server, connections=1) for _ in range(2))
    await whence(wire, first)
    waiting = wire.start(second.refer(Worker).whence)
    await close(wire, first)
    assert await waiting


def test_number_of_consumers_that_makes_no_sense():
    """It is an error when the server is made."""
    with pytest.raises(ValueError, match="max_connections=-1"):
        facade.Server(max_connections=-1)
