"""Metrics and logs of all workers of ``facade serve``, at one place."""

import asyncio
import os
import signal
import socket
import urllib.request

import pytest

import facade
from tests.cli.serve.served import APP, signalled


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

    async with facade.AsyncClient(address, timeout=30, connections=24) as client:
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
