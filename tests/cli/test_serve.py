"""``facade serve``: as processes, that are told what to do by signals."""

import asyncio
import os
import signal
import socket
import sys
import urllib.request

import pytest

import facade
from facade.cli import supervisor
from facade.cli.line import Line
from facade.cli.process import told

APP = """
import asyncio
import os

import facade

ANSWER = "old"


@facade.service("demo.Worker", timeout=30.0)
class Worker:
    async def pid(self) -> int: ...
    async def answer(self) -> str: ...
    async def wait(self) -> str: ...


class WorkerImpl(Worker):
    async def pid(self) -> int:
        return os.getpid()

    async def answer(self) -> str:
        return ANSWER

    async def wait(self) -> str:
        print("waiting", flush=True)
        while not os.path.exists("go"):
            await asyncio.sleep(0.01)
        return "waited"


server = facade.Server("127.0.0.1:0", grace=30)
server.export(Worker, WorkerImpl())
"""


class Served:
    """A process of ``facade serve``, and its lines."""

    def __init__(self, process):
        self.process = process
        self.pid = process.pid

    async def line(self, beginning):
        """Read its output up to a line that begins so."""
        while True:
            line = (await self.process.stdout.readline()).decode()
            assert line, (beginning, (await self.process.stderr.read()).decode())
            if line.startswith(beginning):
                return line.strip()

    async def said(self, part):
        """Read its errors up to a line that has this."""
        while True:
            line = (await self.process.stderr.readline()).decode()
            assert line, part
            if part in line:
                return line.strip()

    async def listens(self):
        """Its address."""
        return (await self.line("listening at ")).split()[2].rstrip(",")

    async def ended(self):
        """Exit code, and the rest of its errors. Its workers have ended too: their output is
        the same pipe."""
        _, errors = await self.process.communicate()
        return self.process.returncode, errors.decode()


@pytest.fixture
async def serve(tmp_path):
    """Starts it, in a folder with app.py."""
    started = []
    (tmp_path / "app.py").write_text(APP)

    async def start(*words):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "facade", "serve", *words),
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return Served(process)

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def signalled(served, number=signal.SIGTERM):
    os.kill(served.pid, number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("options", [(), ("--workers", "2")])
async def test_signal_ends_it_in_peace(serve, tmp_path, number, options):
    """It tells what it serves and where; a call under way is answered; the exit code is 0."""
    served = await serve("app:server", *options)
    assert await served.line("demo.Worker") == "demo.Worker   pid, answer, wait"
    async with facade.AsyncClient(await served.listens(), timeout=30) as client:
        call = client.generic("demo.Worker").method("wait").future()
        await served.line("waiting")
        signalled(served, number)
        (tmp_path / "go").touch()
        assert await call == "waited"
    assert await served.ended() == (0, "")


@pytest.mark.parametrize(("options", "code"), [((), 128 + 15), (("--workers", "2"), 0)])
async def test_second_signal_ends_it_at_once(serve, options, code):
    """Calls under way are lost, and nobody waits for their grace."""
    served = await serve("app:server", *options)
    async with facade.AsyncClient(await served.listens(), timeout=30) as client:
        call = client.generic("demo.Worker").method("wait").future()
        await served.line("waiting")
        signalled(served)
        assert await refused(client)
        signalled(served)
        with pytest.raises(facade.Unavailable):
            await call
    assert await served.ended() == (code, "")


async def refused(client):
    """Until the first signal has come through: the provider takes nothing new."""
    while True:
        try:
            await client.generic("demo.Worker").method("pid").options(timeout=0.2)()
        except facade.RpcError:
            return True


async def test_workers_share_a_port(serve):
    """Connections are spread over them; each is a process of its own."""
    served = await serve("app:server", "--workers", "2")
    address = await served.listens()
    async with facade.AsyncClient(address, timeout=30, connections=24) as client:
        await client.ready()  # all of them
        pids = {await client.generic("demo.Worker").invoke("pid") for _ in range(24)}
    assert len(pids) == 2
    assert served.pid not in pids


async def test_worker_that_dies_is_started_again(serve):
    """After a pause; the others serve meanwhile."""
    served = await serve("app:server", "--workers", "2")
    async with facade.AsyncClient(await served.listens(), timeout=30) as client:
        worker = client.generic("demo.Worker")
        pid = await worker.invoke("pid")
        os.kill(pid, signal.SIGKILL)
        assert await served.said(f"worker {pid} ended") == (
            f"worker {pid} ended (SIGKILL); another starts in 0.1 s"
        )
        assert await served.said("serves") != f"worker {pid} serves"
        assert await worker.invoke("pid") != pid
    signalled(served)
    assert await served.ended() == (0, "")


def scraped(url, name):
    """The sum of all samples of this name."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
async def test_metrics_of_all_workers(serve, tmp_path, options):
    """They are told at one place, as one; those of a worker that has died stay counted."""
    (tmp_path / "app.py").write_text(
        APP.replace("grace=30", 'grace=30, filter_settings={"prometheus": True}')
    )
    served = await serve("app:server", "--metrics", "127.0.0.1:0", *options)
    address = await served.listens()
    url = (await served.line("metrics at ")).split()[2]

    async def handled():
        return await asyncio.to_thread(scraped, url, "grpc_server_handled_total")

    async with facade.AsyncClient(address, timeout=30, connections=16) as client:
        await client.ready()
        worker = client.generic("demo.Worker")
        pids = [await worker.invoke("pid") for _ in range(32)]
        assert len(set(pids)) == (2 if options else 1)
        assert await handled() == 32
        if options:
            os.kill(pids[0], signal.SIGKILL)
            await served.said("serves")
            assert await handled() == 32
    signalled(served)
    assert (await served.ended())[0] == 0
    assert not list(tmp_path.glob("facade-metrics-*"))


async def test_metrics_that_can_not_be_told(serve):
    """It is told before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        served = await serve("app:server", "--workers", "2", "--metrics", address)
        code, errors = await served.ended()
        assert code == 1
        assert f"cannot serve metrics at {address}: " in errors
    served = await serve("app:server", "--metrics", "9100")
    assert await served.ended() == (2, "error: --metrics 9100: write HOST:PORT\n")


async def test_logs_of_all_workers(serve):
    """They come to one place, and each line says whose it is."""
    served = await serve("app:server", "--workers", "2", "--log-level", "info")
    address = await served.listens()
    async with facade.AsyncClient(address, timeout=30) as client:
        pid = await client.generic("demo.Worker").invoke("pid")
    line = await served.said(f"worker {pid}: ")
    assert line.startswith(f"worker {pid}: INFO:facade.")
    signalled(served)
    assert (await served.ended())[0] == 0


async def test_rolling_replace_loses_no_call(serve):
    """SIGHUP puts a new process in the place of each, one by one, while calls go on."""
    served = await serve("app:server", "--workers", "2")
    address = await served.listens()
    async with facade.AsyncClient(address, timeout=30, connections=8) as client:
        await client.ready()
        worker = client.generic("demo.Worker")
        old = {await worker.invoke("pid") for _ in range(64)}
        going, calls = True, 0

        async def go_on():
            nonlocal calls
            while going:
                await worker.invoke("pid")
                calls += 1

        callers = [asyncio.ensure_future(go_on()) for _ in range(16)]
        signalled(served, signal.SIGHUP)
        await served.said("all workers were replaced")
        going = False
        await asyncio.gather(*callers)
        assert calls > 0
        new = {await worker.invoke("pid") for _ in range(64)}
        assert not old & new
    signalled(served)
    assert (await served.ended())[0] == 0


async def test_reload(serve, tmp_path):
    """A change of a file under the folder is served; one that is a mistake is told, and what
    served before goes on."""
    served = await serve("app:server", "--reload")
    address = await served.listens()
    async with facade.AsyncClient(address, timeout=30) as client:
        worker = client.generic("demo.Worker")
        assert await worker.invoke("answer") == "old"
        (tmp_path / "app.py").write_text(APP.replace('"old"', '"new one"'))
        await served.said("app.py changed")
        await served.said("all workers were replaced")
        assert await worker.invoke("answer") == "new one"
        (tmp_path / "app.py").write_text("this is no Python")
        await served.said("SyntaxError")
        await served.said("those that do go on")
        assert await worker.invoke("answer") == "new one"
    signalled(served)
    assert (await served.ended())[0] == 0


LOADING = """
import sys, time

print("loading", file=sys.stderr, flush=True)
while not os.path.exists("go"):
    time.sleep(0.01)
"""


async def test_reload_of_what_changes_while_it_starts(serve, tmp_path):
    """The first worker may have read what was there before."""
    (tmp_path / "app.py").write_text(APP + LOADING)
    served = await serve("app:server", "--reload")
    await served.said("loading")
    (tmp_path / "app.py").write_text(APP.replace('"old"', '"new one"'))
    (tmp_path / "go").touch()
    address = await served.listens()
    await served.said("all workers were replaced")
    async with facade.AsyncClient(address, timeout=30) as client:
        assert await client.generic("demo.Worker").invoke("answer") == "new one"
    signalled(served)
    assert (await served.ended())[0] == 0


async def test_reload_of_what_hangs(serve, tmp_path):
    """A worker that never comes to serve is given up for what changes next."""
    served = await serve("app:server", "--reload")
    address = await served.listens()
    hangs = f"{APP}\nimport sys, time\nprint('hangs', file=sys.stderr, flush=True)\n"
    (tmp_path / "app.py").write_text(f"{hangs}time.sleep(600)\n")
    await served.said("hangs")
    (tmp_path / "app.py").write_text(APP.replace('"old"', '"new one"'))
    await served.said("those that do go on")
    await served.said("all workers were replaced")
    async with facade.AsyncClient(address, timeout=30) as client:
        assert await client.generic("demo.Worker").invoke("answer") == "new one"
    signalled(served)
    assert (await served.ended())[0] == 0


@pytest.mark.parametrize(
    ("code", "said"), [(3, "exit code 3"), (-9, "SIGKILL"), (-signal.SIGRTMIN - 1, "signal 35")]
)
def test_how_a_worker_ended(code, said):
    """By whatever signal: there are some without a name."""
    assert told(code) == said


async def test_workers_end_with_their_parent(serve):
    """Even if he is killed: nothing goes on serving unseen."""
    served = await serve("app:server", "--workers", "2")
    await served.listens()
    signalled(served, signal.SIGKILL)
    assert await served.ended() == (-signal.SIGKILL, "")


async def test_end_of_the_parent_is_seen_once():
    """The loop does not turn without end while calls under way are let end."""
    parent, worker = socket.socketpair()
    stopping = asyncio.Event()
    with worker:
        Line(worker, facade.Server()).started(stopping)
        parent.close()
        await stopping.wait()
        assert not asyncio.get_running_loop().remove_reader(worker)


async def test_port_is_not_shared_with_strangers(serve):
    """Two groups of workers at one port would take each other's callers."""
    first = await serve("app:server", "--workers", "1")
    address = await first.listens()
    for options in ((), ("--workers", "2")):
        second = await serve("app:server", "--address", address, *options)
        code, errors = await second.ended()
        assert code == 1
        assert f"cannot listen at {address}" in errors
    signalled(first)


async def test_worker_that_does_not_start(serve, tmp_path):
    """The first one's mistake is told once, and is the end of it."""
    (tmp_path / "app.py").write_text("import json\njson.loads('x')")
    for options in ((), ("--workers", "2")):
        served = await serve("app:server", *options)
        code, errors = await served.ended()
        assert code == 1
        assert errors.count("error: app:server: JSONDecodeError: Expecting value: ") == 1
        assert "app.py, line 2)" in errors
        assert "Traceback" not in errors


async def test_unix_socket_is_not_shared(serve, tmp_path):
    """Workers need a port; one process does not."""
    address = f"unix:{tmp_path}/socket"
    served = await serve("app:server", "--workers", "2", "--address", address)
    code, errors = await served.ended()
    assert code == 2
    assert "give --address HOST:PORT" in errors
    served = await serve("app:server", "--address", address)
    assert await served.listens() == address
    signalled(served)
    assert await served.ended() == (0, "")


async def test_worker_that_can_not_be_started_is_tried_again(monkeypatch, capsys):
    """The system may be out of processes for a while: that ends neither the parent nor others."""
    failures = [OSError("out of processes"), OSError("out of processes")]
    started = asyncio.Event()

    class Fake:
        """A worker that has died, or one that lives."""

        age = 0.0

        def __init__(self, pid):
            self.pid = pid

        async def wait(self):
            if self.pid == 2:
                await asyncio.Event().wait()
            return 1

        async def ready(self):
            started.set()
            return True

    async def start(*_):
        if failures:
            raise failures.pop()
        return Fake(2)

    monkeypatch.setattr(supervisor.Process, "start", start)
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.001)
    parent = supervisor.Supervisor(lambda address, first: [], 1, None, print)
    parent._workers = [Fake(1)]
    keeping = asyncio.ensure_future(parent._keep(0))
    await started.wait()
    keeping.cancel()
    assert capsys.readouterr().err.count("no worker can be started: out of processes") == 2
