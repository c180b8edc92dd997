"""grpc-health-probe, which containers carry: its exit code says whether to send calls here."""

import asyncio
import subprocess

import pytest

import facade
from examples.interop.interface import Greeter
from examples.interop.provider import PythonGreeter

NO_CONNECTION, NO_ANSWER, NOT_SERVING = 2, 3, 4
# Where nobody listens it waits for as long as it may.
IN_VAIN = "4s"


@pytest.fixture
def probe(tool):
    """Call it with a provider and the name of a service: the exit code."""
    program = tool("grpc-health-probe")

    async def run(server: facade.Server, service: str = "", connect: str = "40s") -> int:
        place = f"127.0.0.1:{server.port}"
        patience = ("-connect-timeout", connect, "-rpc-timeout", "40s")
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *(program, "-addr", place, "-service", service, *patience), stderr=quiet
        )
        return await process.wait()

    return run


@pytest.fixture
def version(tool):
    command = [tool("grpc-health-probe"), "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    return told.stdout.partition(";")[0].strip()


@pytest.fixture
async def server():
    async with facade.Server() as server:
        server.export(Greeter, PythonGreeter())
        yield server


async def test_serving(probe, server, version, report):
    """The provider serves, and so does each service, until it is said otherwise."""
    assert await probe(server) == 0
    assert await probe(server, "demo.Greeter") == 0
    assert await probe(server, "demo.Gone") == NO_ANSWER
    server.health["demo.Greeter"] = False
    assert await probe(server, "demo.Greeter") == NOT_SERVING
    assert await probe(server) == 0
    report("grpc-health-probe", version, "serving, switched off, and not after a stop")


async def test_drain(probe, server):
    """It does not pass once the provider stops, while calls under way are still answered."""
    async with facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=50.0) as client:
        greeter = client.refer(Greeter)
        slow = asyncio.ensure_future(greeter.sleep(3.0))
        await greeter.hello("Ann")  # it comes after the slow call, which has thus begun
        stopping = asyncio.ensure_future(server.stop())
        await asyncio.sleep(0)  # it has begun
        assert await probe(server, connect=IN_VAIN) in (NO_CONNECTION, NOT_SERVING)
        assert await slow == 3.0
        await stopping
    assert await probe(server, connect=IN_VAIN) == NO_CONNECTION
