"""Servers at unix sockets."""

import os
import socket
import stat
from pathlib import Path

import pytest

import facade


@facade.service("unix.Desk")
class Desk:
    async def whence(self) -> list[str]: ...


class DeskImpl(Desk):
    async def whence(self) -> list[str]:
        facts = facade.RpcContext.service()
        return [facts.remote_address, facts.local_address]


def make(address: str, **settings) -> facade.Server:
    server = facade.Server(address, **settings)
    server.export(Desk, DeskImpl())
    return server


async def ask(address: str, **settings) -> list[str]:
    async with facade.AsyncClient(address, **{"timeout": 30.0, **settings}) as client:
        return await client.refer(Desk).whence()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "socket"


@pytest.mark.parametrize("unary", [False, True])
@pytest.mark.parametrize("form", ["unix:{}", "unix://{}", "unix-abstract:{}"])
async def test_calls(path, form, unary):
    """Each form of an address works at both ends; nobody has a port. The consumer's end has no
    address, so it is the provider's."""
    address = form.format(path)
    async with make(address) as server:
        assert server.port == 0
        assert await ask(address, unary=unary) == [address, address]
        assert path.exists() == (not form.startswith("unix-abstract"))
    assert not path.exists()


async def test_relative_path(tmp_path, monkeypatch):
    """As gRPC has it."""
    monkeypatch.chdir(tmp_path)
    async with make("unix:here"):
        assert (tmp_path / "here").is_socket()
        assert await ask("unix:here") == ["unix:here"] * 2


async def test_file_that_was_left_behind(path):
    """A process that was killed has left it: nobody listens there, so it is replaced."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
        left.listen()
    async with make(f"unix:{path}"):
        assert await ask(f"unix:{path}")


async def test_socket_of_another_server(path):
    """It is not taken away from who listens there."""
    address = f"unix:{path}"
    async with make(address):
        second = make(address)
        with pytest.raises(OSError, match=rf"cannot listen at {address}: another process"):
            await second.start()
        await second.stop()
        assert await ask(address)


async def test_abstract_socket_of_another_server(path):
    """The same without a file."""
    address = f"unix-abstract:{path}"
    async with make(address):
        second = make(address)
        with pytest.raises(OSError, match="cannot listen at unix-abstract:"):
            await second.start()
        await second.stop()
        assert await ask(address)


@pytest.mark.parametrize("kind", ["a file", "no folder", "too long"])
async def test_path_where_none_can_be(path, kind):
    """An OSError names the address; what is there stays."""
    if kind == "a file":
        path.write_text("mine")
    wrong = {"a file": path, "no folder": path / "none" / "s", "too long": path / ("x" * 200)}
    server = make(f"unix:{wrong[kind]}")
    with pytest.raises(OSError, match=f"cannot listen at unix:{path}"):
        await server.start()
    await server.stop()
    if kind == "a file":
        assert path.read_text() == "mine"


async def test_mode(path):
    """Who may connect is said by the file's mode; the umask is as it was."""
    before = os.umask(0o022)
    try:
        async with make(f"unix:{path}", socket_mode=0o660):
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


async def test_start_again(path):
    """A server that has stopped leaves a place for the next one."""
    for _ in range(2):
        async with make(f"unix:{path}"):
            assert await ask(f"unix:{path}")
