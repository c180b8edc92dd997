"""Proxies between consumer and provider: with the configuration of examples/interop, at ports
that are free."""

import asyncio
import re
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

import facade
from examples.interop.interface import Greeter
from examples.interop.provider import PythonGreeter
from tests.ports import free_port

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "interop"
PROXIES = {"nginx": "nginx.conf", "envoy": "envoy.yaml"}

Start = Callable[..., str]


@pytest.fixture
def proxy(tool, tmp_path) -> Iterator[Start]:
    """Call it with a name, a provider or its address, and changes to the configuration (what to
    replace, and by what): the address at which the proxy listens."""
    running: list[subprocess.Popen] = []

    def start(name: str, provider: str | facade.Server, *changes: tuple[str, str]) -> str:
        command = {"nginx": _nginx, "envoy": _envoy}[name]
        port = free_port()
        behind = provider.rpartition(":")[2] if isinstance(provider, str) else provider.port
        text = (EXAMPLES / PROXIES[name]).read_text()
        for old, new in [("8080", str(port)), ("50051", str(behind)), *changes]:
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / PROXIES[name]
        file.write_text(text)
        running.append(subprocess.Popen(command(tool(name), file), stderr=subprocess.DEVNULL))
        _wait_for(running[-1], port)
        return f"127.0.0.1:{port}"

    yield start
    for process in running:
        process.terminate()
        process.wait(20)


@pytest.fixture
def version(tool):
    """Call it with a name: the version of it that is there."""

    def ask(name: str) -> str:
        command = [tool(name), "-v" if name == "nginx" else "--version"]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        found = re.search(r"/(\d+\.[\d.]+)", told.stdout + told.stderr)
        assert found
        return found[1]

    return ask


def _wait_for(process: subprocess.Popen, port: int) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"{process.args} ended with {process.returncode}")


def _nginx(program: str, file: Path) -> list[str]:
    return [program, "-p", str(file.parent), "-c", str(file)]


def _envoy(program: str, file: Path) -> list[str]:
    options = ["--use-dynamic-base-id", "--concurrency", "1", "--log-level", "error"]
    return [program, "-c", str(file), *options]


async def _exchange(client: facade.AsyncClient) -> None:
    greeter = client.refer(Greeter)
    assert await greeter.hello("Ann") == "Hello Ann"
    facade.RpcContext.client_attachments()["shop"] = "north"
    assert (await greeter.baggage())["shop"] == "north"
    assert facade.RpcContext.response_attachments()["seen-by"] == "python"
    with pytest.raises(ValueError, match="sold out"):
        await greeter.fail("sold out")
    assert await asyncio.gather(*map(greeter.add, range(500))) == list(range(1, 501))


@pytest.mark.parametrize("name", PROXIES)
async def test_calls(name, proxy, provider, version, report):
    """All of a call passes: on the stream, and as unary calls."""
    address = proxy(name, provider)
    for unary in (False, True):
        async with facade.AsyncClient(address, timeout=50.0, unary=unary) as client:
            await _exchange(client)
    report(name, version(name), "in front: the stream, and unary calls")


@pytest.fixture
async def behind() -> AsyncIterator[facade.Server]:
    """A provider in this process. Another may come to its port."""
    async with facade.Server(f"127.0.0.1:{free_port()}") as server:
        server.export(Greeter, PythonGreeter())
        yield server


@pytest.mark.parametrize("name", PROXIES)
async def test_heartbeats_keep_a_stream(name, proxy):
    """A call may take longer than the proxy bears silence, as both ends speak meanwhile."""
    connected = []
    async with facade.Server(heartbeat=0.3) as server:
        server.export(Greeter, PythonGreeter())
        # Longer than what a busy machine stands still for.
        address = proxy(name, server, ("90s", "8s"))
        async with facade.AsyncClient(
            address, timeout=50.0, heartbeat=0.3, on_connect=connected.append
        ) as client:
            assert await client.refer(Greeter).sleep(10.0) == 10.0
            assert await client.refer(Greeter).hello("Ann") == "Hello Ann"
    assert len(connected) == 1


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("nginx", "client_body_timeout"),
        ("nginx", "grpc_read_timeout"),
        ("envoy", "stream_idle_timeout:"),
    ],
)
async def test_silence_ends_a_stream(name, limit, proxy):
    """These limits count. A call that is cut off says that it may have run; the next one finds
    its way."""
    async with facade.Server() as server:
        server.export(Greeter, PythonGreeter())
        address = proxy(name, server, (f"{limit} 90s", f"{limit} 3s"))
        async with facade.AsyncClient(address, timeout=50.0) as client:
            greeter = client.refer(Greeter)
            with pytest.raises(facade.Unavailable) as caught:
                await greeter.sleep(40.0)
            assert caught.value.sent is facade.Sent.MAYBE_EXECUTED
            assert await greeter.hello("Ann") == "Hello Ann"


@pytest.mark.parametrize("name", PROXIES)
async def test_a_stream_may_carry_much(name, proxy, provider):
    """There is no limit on what passes in all the time of a stream."""
    text = "x" * 200_000
    async with facade.AsyncClient(proxy(name, provider), timeout=50.0) as client:
        greeter = client.refer(Greeter)
        for _ in range(10):
            assert len(await greeter.hello(text)) == len(text) + 6


async def test_nginx_ends_a_connection(proxy, provider):
    """Unary calls that nginx refuses, as the connection has had its share, are made on the next
    one: gRPC sends a call again, once, where nobody has looked at it."""
    address = proxy("nginx", provider, ("keepalive_requests 1000000", "keepalive_requests 300"))
    async with facade.AsyncClient(address, timeout=50.0, unary=True) as client:
        greeter = client.refer(Greeter)
        assert await asyncio.gather(*map(greeter.add, range(500))) == list(range(1, 501))


@pytest.mark.parametrize("name", PROXIES)
async def test_drain_and_return(name, proxy, behind):
    """A provider that stops behind a proxy answers what is under way. The next call waits for
    the one that comes after it."""
    async with facade.AsyncClient(proxy(name, behind), timeout=50.0) as client:
        greeter = client.refer(Greeter)
        await greeter.hello("Ann")
        slow = asyncio.ensure_future(greeter.sleep(0.5))
        await greeter.hello("Ben")  # it comes after the slow call, which has thus begun
        await behind.stop()
        assert await slow == 0.5
        waiting = asyncio.ensure_future(greeter.hello("Ann"))
        async with facade.Server(f"127.0.0.1:{behind.port}") as next_one:
            next_one.export(Greeter, PythonGreeter())
            assert await waiting == "Hello Ann"
