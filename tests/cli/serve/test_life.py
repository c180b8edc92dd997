"""How ``facade serve`` ends, and how it changes while it serves."""

import asyncio
import signal
import socket

import pytest

import facade
from facade.cli.line import Line
from tests.cli.serve.served import APP, signalled


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
        except facade.DeadlineExceeded:
            continue  # it has got there, and is slow
        except facade.Unavailable:
            return True


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
