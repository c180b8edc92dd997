"""The server's life."""

import asyncio
import socket

import pytest

import facade
from tests.provider.greeter import Greeter, GreeterImpl, connect, make, serve

# Listening


async def test_port_of_its_own_choice():
    """With port 0 it takes a free one and tells which."""
    async with make() as first, make() as second:
        assert first.port
        assert second.port
        assert first.port != second.port


async def test_port_in_use():
    """An OSError names the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        server = facade.Server(address)
        with pytest.raises(OSError, match=address):
            await server.start()
        await server.stop()


async def test_port_of_another_server():
    """Two servers do not share one port."""
    async with make() as server:
        second = facade.Server(f"127.0.0.1:{server.port}")
        with pytest.raises(OSError, match=str(server.port)):
            await second.start()
        await second.stop()


async def test_address_that_is_none():
    """What can't be listened at is told as an OSError, too."""
    server = facade.Server("no such host!:1")
    with pytest.raises(OSError, match="no such host!:1"):
        await server.start()
    await server.stop()


async def test_context_manager_stops_it():
    """After the block nobody is served."""
    async with make() as server, connect(server) as client:
        assert await client.refer(Greeter).hello("Ann") == "Hello Ann"
    async with connect(server, wait_for_ready=False) as client:
        with pytest.raises(facade.Unavailable):
            await client.refer(Greeter).hello("Ann")


# Stopping


async def test_stop_lets_running_calls_end():
    """Each gets its answer, and the server stops after the last."""
    impl = GreeterImpl()
    server = await serve(impl)
    async with connect(server) as client:
        calls = [client.refer(Greeter).wait.future() for _ in range(3)]
        await impl.started.wait()
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        assert not stopping.done()
        impl.released.set()
        assert await asyncio.gather(*calls) == ["done"] * 3
        await stopping


async def test_stop_when_idle_does_not_wait_out_its_grace():
    """Streams that are open, but idle, are ended at once."""
    server = await serve(grace=3600)
    async with connect(server) as one, connect(server) as other:
        assert await one.refer(Greeter).hello("Ann") == "Hello Ann"
        assert await other.refer(Greeter).hello("Bob") == "Hello Bob"
        await server.stop()  # or the test would run into its own timeout


async def test_stop_when_nobody_ever_came():
    """There is nothing to wait for."""
    server = await serve(grace=3600)
    await server.stop()


async def test_stop_of_a_server_that_was_never_started():
    """It is nothing."""
    server = facade.Server()
    await server.stop()
    await server.wait()


async def test_stop_twice():
    """The second one waits for the first, and both come to the same end."""
    impl = GreeterImpl()
    server = await serve(impl)
    async with connect(server) as client:
        call = client.refer(Greeter).wait.future()
        await impl.started.wait()
        stops = [asyncio.create_task(server.stop()) for _ in range(2)]
        await asyncio.sleep(0)
        impl.released.set()
        assert await call == "done"
        await asyncio.gather(*stops)
    await server.stop()


async def test_wait_returns_once_it_is_stopped():
    """Not before."""
    server = await serve()
    waiting = asyncio.create_task(server.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    await server.stop()
    await waiting


async def test_call_that_outlasts_the_grace():
    """It is cancelled, and its caller is told why."""
    cancelled = asyncio.Event()

    class Stubborn(GreeterImpl):
        async def wait(self) -> str:
            try:
                return await super().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

    impl = Stubborn()
    server = await serve(impl)
    async with connect(server) as client:
        call = client.refer(Greeter).wait.future()
        await impl.started.wait()
        await server.stop(grace=0.05)
        with pytest.raises(facade.Unavailable, match=r"had not ended after 0\.05 s"):
            await call
        await cancelled.wait()


async def test_stop_closes_what_clients_use():
    """A client learns of it at once, without a call, and a new call finds nobody."""
    server = await serve()
    async with connect(server, wait_for_ready=False) as client:
        greeter = client.refer(Greeter)
        assert await greeter.hello("Ann") == "Hello Ann"
        await server.stop()
        with pytest.raises(facade.Unavailable) as raised:
            await greeter.hello("Ann")
        assert raised.value.sent is facade.Sent.NOT_SENT
