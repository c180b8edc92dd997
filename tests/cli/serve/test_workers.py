"""Workers of ``facade serve``: they share a port, and are started again."""

import asyncio
import os
import signal

import pytest

import facade
from facade.cli import supervisor
from facade.cli.process import told
from tests.cli.serve.served import signalled


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


@pytest.mark.parametrize(
    ("code", "said"),
    [(3, "exit code 3"), (-9, "SIGKILL"), (-signal.SIGRTMIN - 1, f"signal {signal.SIGRTMIN + 1}")],
)
def test_how_a_worker_ended(code, said):
    """By whatever signal: there are some without a name."""
    assert told(code) == said


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


async def test_registry_of_workers_is_named_by_its_target(serve, tmp_path):
    """The command ends and says so: an object can't be shared by processes."""
    lines = (
        "from app import *",
        "from facade.registry import open_registry",
        "server = facade.Server('127.0.0.1:0', registry=open_registry('etcd://127.0.0.1:1'))",
    )
    (tmp_path / "shared.py").write_text("\n".join(lines))
    served = await serve("shared:server", "--workers", "2")
    code, errors = await served.ended()
    assert code == 2
    assert "name it by its target" in errors
