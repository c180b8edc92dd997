"""A client whose provider goes and comes back. Over gRPC."""

import asyncio
import socket

import pytest

import facade
from facade.exchange.memory import MemoryTransport
from tests.ports import free_port


@facade.service("reconnect.Worker")
class Worker:
    async def echo(self, text: str) -> str: ...

    async def work(self) -> str: ...


@pytest.fixture
def make(impl):
    """Makes providers, at a port of their own, which stays free when they go, or at a given one."""

    def make(port: int | None = None) -> facade.Server:
        server = facade.Server(f"127.0.0.1:{port or free_port()}")
        server.export(Worker, impl)
        return server

    return make


@pytest.fixture
def start(make):
    """Starts them, too."""

    async def start(port: int | None = None) -> facade.Server:
        server = make(port)
        await server.start()
        return server

    return start


def connect(server: facade.Server, **settings) -> facade.AsyncClient:
    return facade.AsyncClient(f"127.0.0.1:{server.port}", **{"timeout": 30, **settings})


@pytest.fixture
def nobody():
    """An address where nobody listens, and nobody can meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


async def test_calls_wait_for_the_provider_to_come_back(start, make):
    """Those made while it is away are sent once it is there again."""
    server = await start()
    async with connect(server) as client:
        worker = client.refer(Worker)
        assert await worker.echo("before") == "before"
        await server.stop()
        calls = [worker.echo.future(str(number)) for number in range(5)]
        with pytest.raises(facade.Unavailable):
            await client.ready(0.2)  # so attempts were made
        assert not any(call.done() for call in calls)
        async with make(server.port):
            assert await asyncio.gather(*calls) == [str(number) for number in range(5)]


async def test_calls_wait_no_longer_than_they_may(nobody):
    """They fail when their time is over, and say with whom and why."""
    async with facade.AsyncClient(nobody, timeout=1) as client:
        call = client.refer(Worker).echo.future("hi")
        with pytest.raises(facade.Unavailable) as raised:
            await call
    assert nobody in str(raised.value)
    assert "within 1 s" in str(raised.value)
    assert "refused" in str(raised.value)
    assert raised.value.sent is facade.Sent.NOT_SENT


async def test_provider_comes_back_again_and_again(start):
    """A client outlives many restarts."""
    server = await start()
    async with connect(server) as client:
        worker = client.refer(Worker)
        for number in range(3):
            assert await worker.echo(str(number)) == str(number)
            await server.stop()
            server = await start(server.port)
        assert await worker.echo("end") == "end"
        await server.stop()


async def test_without_waiting_a_call_fails_at_once(nobody):
    """As soon as one attempt to connect does, whatever time the call has."""
    async with facade.AsyncClient(nobody, timeout=1000, wait_for_ready=False) as client:
        with pytest.raises(facade.Unavailable, match="refused") as raised:
            await client.refer(Worker).echo("hi")
    assert raised.value.sent is facade.Sent.NOT_SENT


async def test_without_waiting_a_call_finds_the_provider_that_is_back(start):
    """An attempt that failed before does not fail the call after it."""
    server = await start()
    async with connect(server, wait_for_ready=False) as client:
        worker = client.refer(Worker)
        assert await worker.echo("before") == "before"
        await server.stop()
        with pytest.raises(facade.Unavailable):
            await worker.echo("meanwhile")
        server = await start(server.port)
        assert await worker.echo("after") == "after"
        await server.stop()


async def test_ready_waits_for_a_connection(make):
    """After it the provider's address is known to calls at once."""
    async with make() as server, connect(server) as client:
        await client.ready()
        assert await client.refer(Worker).echo("hi") == "hi"


async def test_ready_gives_up(nobody):
    """It raises with the reason, when the time that it was given is over."""
    async with facade.AsyncClient(nobody, timeout=1000) as client:
        with pytest.raises(facade.Unavailable, match="refused"):
            await client.ready(1)


async def test_close_lets_calls_end(make, impl):
    """Those in flight get their answers; then the client hangs up."""
    async with make() as server:
        client = connect(server)
        calls = [client.refer(Worker).work.future() for _ in range(3)]
        await impl.started.wait()
        closing = asyncio.create_task(client.close(grace=30))
        await asyncio.sleep(0)
        impl.released.set()
        assert await asyncio.gather(*calls) == ["done"] * 3
        await closing


async def test_close_gives_up_what_outlasts_its_grace(make, impl):
    """A call that does not end fails as unavailable."""
    async with make() as server:
        client = connect(server)
        call = client.refer(Worker).work.future()
        await impl.started.wait()
        await client.close(grace=0.05)
        with pytest.raises(facade.Unavailable) as raised:
            await call
    assert raised.value.sent is facade.Sent.MAYBE_EXECUTED


async def test_close_ends_calls_that_wait_for_a_connection(nobody):
    """They fail at once: the client is closed, and nothing was sent."""
    client = facade.AsyncClient(nobody, timeout=1000)
    call = client.refer(Worker).echo.future("hi")
    with pytest.raises(facade.Unavailable):
        await client.ready(0.2)  # so an attempt was made
    await client.close()
    with pytest.raises(facade.Unavailable, match="the client is closed") as raised:
        await call
    assert raised.value.sent is facade.Sent.NOT_SENT


async def test_close_ends_calls_that_were_just_made(nobody):
    """The same before the first attempt to connect has even begun."""
    client = facade.AsyncClient(nobody, timeout=1000)
    call = client.refer(Worker).echo.future("hi")
    await asyncio.sleep(0)
    await client.close()
    done, _ = await asyncio.wait([call], timeout=10)
    call.cancel()
    assert done, "the call still waits"
    with pytest.raises(facade.Unavailable, match="the client is closed"):
        await call


async def test_close_twice(make):
    """The second time is nothing, also for a client that never connected."""
    async with make() as server:
        used, unused = connect(server), connect(server)
        await used.refer(Worker).echo("hi")
        for client in (used, unused):
            await client.close()
            await client.close()


async def test_provider_that_is_none_of_ours():
    """What listens there speaks gRPC, but not this service: the reason is told, and what would
    help if it has Invoke alone."""
    import grpc.aio

    stranger = grpc.aio.server()
    port = stranger.add_insecure_port("127.0.0.1:0")
    await stranger.start()
    try:
        client = facade.AsyncClient(f"127.0.0.1:{port}", timeout=20, wait_for_ready=False)
        async with client:
            with pytest.raises(facade.RpcError, match=r"no facade provider.*unary=True"):
                await client.refer(Worker).echo("hi")
    finally:
        await stranger.stop(None)


async def test_attempt_that_fails_in_a_way_of_its_own(caplog):
    """Who waits is told why; there is a pause before the next attempt as after any other."""
    attempts = []

    async def open():
        attempts.append(1)
        raise ValueError("odd")

    transport = MemoryTransport(None, None)
    transport.open = open
    client = facade.AsyncClient("memory", transport=transport, timeout=20, wait_for_ready=False)
    async with client:
        with pytest.raises(facade.Unavailable, match="ValueError: odd") as raised:
            await client.refer(Worker).echo("never")
    assert raised.value.sent is facade.Sent.NOT_SENT
    assert len(attempts) == 1
    ours = [record for record in caplog.records if record.name.startswith("facade")]
    assert [record.exc_info[0] for record in ours] == [ValueError]
