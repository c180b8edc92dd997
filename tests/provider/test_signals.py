"""``Server.run()``: a process that serves until it is told to stop."""

import asyncio
import signal
import sys

import pytest

import facade

PROVIDER = """
import asyncio
import facade

@facade.service("signals.Worker")
class Worker:
    async def work(self, name: str) -> str: ...

class WorkerImpl(Worker):
    async def work(self, name: str) -> str:
        print("started", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, input)
        return f"done for {name}"

class Told(facade.ExporterListener):
    def unexported(self, exporter):
        print("unexported", flush=True)

class Announced(facade.Server):
    async def start(self):
        await super().start()
        print(self.port, flush=True)

server = Announced("127.0.0.1:0", listeners=[Told()], grace=30)
server.export(Worker, WorkerImpl())
server.run()
print("ended in peace", flush=True)
"""


@pytest.fixture
async def provider():
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-c", PROVIDER),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    yield process
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def line(process) -> str:
    return (await process.stdout.readline()).decode().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_an_idle_server(provider, number):
    """It stops at once, says so, and its process ends well."""
    assert await line(provider)
    provider.send_signal(number)
    output, errors = await provider.communicate()
    assert output.decode().split("\n") == ["unexported", "ended in peace", ""]
    assert (errors, provider.returncode) == (b"", 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_lets_running_calls_end(provider, number):
    """A call that is under way gets its answer, and a new one is refused meanwhile."""
    target = f"127.0.0.1:{await line(provider)}"
    async with facade.AsyncClient(target, timeout=30, wait_for_ready=False) as client:
        worker = client.generic("signals.Worker")
        call = worker.method("work").future("Ann")
        assert await line(provider) == "started"
        provider.send_signal(number)
        await stopping(client)
        provider.stdin.write(b"go on\n")
        assert await call == "done for Ann"
        assert await line(provider) == "unexported"
    assert await line(provider) == "ended in peace"
    assert await provider.wait() == 0


async def stopping(client: facade.AsyncClient) -> None:
    """Until the provider takes no new calls: it refuses them, or is gone for them."""
    while True:
        try:
            await client.generic("signals.Worker").method("nothing").options(timeout=5)()
        except facade.Unimplemented:
            continue  # it still serves
        except facade.Unavailable:
            return
