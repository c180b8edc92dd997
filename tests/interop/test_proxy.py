"""Proxies between consumer and provider: with the configuration of examples/interop, at ports
that are free."""

import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

import facade
from examples.interop.interface import Greeter
from examples.interop.provider import PythonGreeter

from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "interop"

# How each is started, and what its configuration is called.
COMMANDS = {
    "nginx": ("nginx.conf", lambda program, file: [program, "-p", file.parent, "-c", file]),
    "envoy": (
        "envoy.yaml",
        lambda program, file: [
            *(program, "-c", file, "--use-dynamic-base-id", "--concurrency", "1"),
            *("--log-level", "warn"),
        ],
    ),
}

Start = Callable[..., str]


@pytest.fixture
def proxy(tool, tmp_path) -> Iterator[Start]:
    """Call it with a name, the provider's address, and changes to the configuration (what to
    replace, and by what): the address at which the proxy listens."""
    running: list[subprocess.Popen] = []

    def start(name: str, provider: str, *changes: tuple[str, str]) -> str:
        program = tool(name)
        file, command = COMMANDS[name]
        port, behind = _free_port(), provider.rpartition(":")[2]
        text = (EXAMPLES / file).read_text()
        for old, new in [("8080", str(port)), ("50051", behind), *changes]:
            assert old in text
            text = re.sub(rf"\b{old}\b", new, text)
        (tmp_path / file).write_text(text)
        running.append(subprocess.Popen(command(program, tmp_path / file)))
        _wait_for(running[-1], port)
        return f"127.0.0.1:{port}"

    yield start
    for process in running:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def _wait_for(process: subprocess.Popen, port: int) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"{process.args} ended with {process.returncode}")


@pytest.fixture
async def server():
    """A provider in this process, which hears its consumers out of patience."""
    async with facade.Server(application="behind") as server:
        server.export(Greeter, PythonGreeter())
        yield server


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("unary", [False, True], ids=["stream", "unary"])
async def test_calls(name, unary, proxy, provider):
    async with facade.AsyncClient(proxy(name, provider), timeout=20, unary=unary) as client:
        greeter = client.refer(Greeter)
        assert await greeter.hello("Ann") == "Hello Ann"
        facade.RpcContext.client_attachments()["shop"] = "north"
        assert (await greeter.baggage())["shop"] == "north"
        assert facade.RpcContext.response_attachments()["seen-by"] == "python"
        with pytest.raises(facade.ServiceError, match="sold out"):
            await greeter.fail("sold out")
