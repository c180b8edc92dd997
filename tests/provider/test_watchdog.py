"""Methods that block the event loop are named."""

import asyncio
import logging
import threading

import pytest

import facade


@facade.service("watchdog.Worker")
class Worker:
    async def block(self) -> None: ...
    async def wait(self) -> None: ...


class WorkerImpl(Worker):
    """``block`` keeps the loop until the log has named it, or for 1 s."""

    def __init__(self) -> None:
        self.told = threading.Event()

    async def block(self) -> None:
        self.told.wait(1)

    async def wait(self) -> None:
        await asyncio.sleep(0.3)


class Told(logging.Handler):
    def __init__(self, event: threading.Event) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._event = event

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        if "watchdog.Worker.block" in self.lines[-1]:
            self._event.set()


def watchdogs() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t.name == "facade-watchdog"}


@pytest.fixture
def worker():
    return WorkerImpl()


@pytest.fixture
def told(worker):
    handler = Told(worker.told)
    logger = logging.getLogger("facade.provider.watchdog")
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)


async def call(worker, method, **settings):
    server = facade.Server("127.0.0.1:0", **settings)
    server.export(Worker, worker)
    async with server, facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=60) as client:
        await getattr(client.refer(Worker), method)()


async def test_method_that_blocks_the_loop_is_named(worker, told):
    """With what to do about it, and the stack that leads to the line; once."""
    while not worker.told.is_set():  # it is not, where the whole process stood still as well
        await call(worker, "block", slow_loop=0.05)
    (line,) = [line for line in told if "watchdog.Worker.block" in line]
    assert "has blocked the event loop for 0.05 s" in line
    assert "self.told.wait(1)" in line


async def test_method_that_awaits_is_no_concern(worker, told):
    """However long it takes."""
    await call(worker, "wait", slow_loop=0.1)
    assert not [line for line in told if "watchdog.Worker" in line]


async def test_no_thread_where_it_is_off(worker):
    """Nothing watches, nothing is left behind."""
    before = watchdogs()
    async with facade.Server("127.0.0.1:0", slow_loop=0):
        assert watchdogs() <= before


async def test_thread_ends_with_the_server():
    """It is gone soon after."""
    before = watchdogs()
    async with facade.Server("127.0.0.1:0", slow_loop=0.05):
        (thread,) = watchdogs() - before
    await asyncio.to_thread(thread.join, 20)
    assert not thread.is_alive()


def test_negative_limit_is_refused():
    """When the server is made."""
    with pytest.raises(ValueError, match="slow_loop: -1"):
        facade.Server(slow_loop=-1)
