"""A server is started once."""

import pytest

import facade
from tests.ports import free_port


async def test_second_start():
    """It says what to do, and the first one goes on."""
    async with facade.Server("127.0.0.1:0") as server:
        port = server.port
        with pytest.raises(RuntimeError, match="is started already"):
            await server.start()
        async with facade.AsyncClient(f"127.0.0.1:{port}", timeout=20.0) as client:
            await client.ready()
        assert server.port == port


async def test_start_after_a_stop():
    """It says that a new server is needed."""
    server = facade.Server("127.0.0.1:0")
    await server.start()
    await server.stop()
    with pytest.raises(RuntimeError, match=r"was stopped.*make a new Server"):
        await server.start()


async def test_start_after_a_failure():
    """Where the address could not be had, it may be tried again."""
    async with facade.Server(f"127.0.0.1:{free_port()}") as first:
        second = facade.Server(f"127.0.0.1:{first.port}")
        with pytest.raises(OSError, match="cannot listen"):
            async with second:
                pass
    async with second:
        assert second.port == first.port


async def test_block_of_a_server_that_runs():
    """It is an error, and the one who started it goes on."""
    async with facade.Server("127.0.0.1:0") as server:
        with pytest.raises(RuntimeError, match="is started already"):
            async with server:
                pass
        async with facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20.0) as client:
            await client.ready()


async def test_port_is_not_shared_unless_said():
    """Two servers at one port would take each other's callers; with reuse_port both mean it."""
    async with facade.Server(reuse_port=True) as first:
        address = f"127.0.0.1:{first.port}"
        with pytest.raises(OSError, match="cannot listen"):
            await facade.Server(address).start()
        async with facade.Server(address, reuse_port=True) as second:
            assert second.port == first.port
    async with facade.Server() as alone:
        with pytest.raises(OSError, match="cannot listen"):
            await facade.Server(f"127.0.0.1:{alone.port}", reuse_port=True).start()
