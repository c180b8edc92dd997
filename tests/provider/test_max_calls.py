"""How many calls of one connection a server answers at once."""

import asyncio
import threading

import pytest

import facade
from facade.exchange.memory import MemoryTransport


@facade.service("limits.Work")
class Work:
    async def block(self) -> str: ...
    async def echo(self, text: str) -> str: ...


class WorkImpl(Work):
    def __init__(self):
        self.begun = threading.Event()
        self.released = threading.Event()

    def block(self):
        self.begun.set()
        assert self.released.wait(30)
        return "done"

    async def echo(self, text):
        return text


@pytest.fixture
async def ends():
    """A client of a server that answers one call at once, and the implementation."""
    impl = WorkImpl()
    server = facade.Server(max_calls=1)
    server.export(Work, impl)
    transport = MemoryTransport(server.exchange, server.invoke, server.describe)
    async with facade.AsyncClient("memory", transport=transport, timeout=30) as client:
        yield client.refer(Work), impl
        impl.released.set()
    await server.stop()


async def test_one_call_too_many(ends):
    """It is refused, with the setting and its value, and was not executed."""
    work, impl = ends
    running = asyncio.ensure_future(work.block())
    await asyncio.to_thread(impl.begun.wait, 30)
    with pytest.raises(facade.LimitExceeded, match=r"1 calls.*max_calls") as caught:
        await work.echo("too many")
    assert caught.value.sent is facade.Sent.NOT_EXECUTED
    assert caught.value.remote
    impl.released.set()
    assert await running == "done"
    assert await work.echo("there is room again") == "there is room again"


async def test_cancelled_method_in_a_thread_keeps_its_place(ends):
    """It can't be interrupted, and counts as long as it runs."""
    work, impl = ends
    running = asyncio.ensure_future(work.block())
    await asyncio.to_thread(impl.begun.wait, 30)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(facade.LimitExceeded, match="max_calls"):
        await work.echo("too many")
    impl.released.set()
    async with asyncio.timeout(30):
        while True:  # it takes the thread a moment
            try:
                assert await work.echo("there is room again") == "there is room again"
            except facade.LimitExceeded:
                await asyncio.sleep(0.001)
            else:
                break


@pytest.mark.parametrize("name", ["max_calls", "max_cancels"])
def test_wrong_values(name):
    """An error where the server is made."""
    with pytest.raises(ValueError, match=f"{name}=-1: 0 for any number"):
        facade.Server(**{name: -1})
