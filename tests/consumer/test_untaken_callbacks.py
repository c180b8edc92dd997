"""Callbacks of calls that were given up, and refused."""

import asyncio
from collections.abc import Callable

import pytest

import facade
from tests.faults.until import until


@facade.service("demo.Desk")
class Desk:
    async def occupy(self) -> None: ...

    async def watch(self, listener: Callable[[int], None]) -> None: ...


class Occupied(Desk):
    def __init__(self):
        self.begun, self.done = asyncio.Event(), asyncio.Event()

    async def occupy(self):
        self.begun.set()
        await self.done.wait()

    async def watch(self, listener):
        raise AssertionError("it was to be refused")


@pytest.fixture
async def desk():
    """A reference whose provider is as busy as it may be, and its client."""
    impl = Occupied()
    async with facade.Server(max_calls=1) as server:
        server.export(Desk, impl)
        async with facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20) as client:
            desk = client.refer(Desk)
            busy = asyncio.ensure_future(desk.occupy())
            await impl.begun.wait()
            yield client, desk
            impl.done.set()
            await busy


async def sent(client):
    """Wait until the newest call has left, and no longer."""
    connection = client._wire.connector.current
    while len(connection.calls) < 2 or connection.calls.pending()[-1].sent_at is None:  # noqa: ASYNC110
        await asyncio.sleep(0)
    return connection


async def test_call_that_was_cancelled(desk):
    """Its callback is forgotten once the refusal has come, as nobody else will let go of it."""
    client, desk = desk
    call = asyncio.ensure_future(desk.watch(print))
    connection = await sent(client)
    call.cancel()
    await asyncio.wait([call])
    assert len(connection.answers.callbacks) == 1 or client.late_results
    await until(lambda: client.late_results)
    assert not connection.answers.callbacks


async def test_call_whose_time_was_up(desk):
    """The same."""
    client, desk = desk
    call = asyncio.ensure_future(desk.watch(print))
    connection = await sent(client)
    ran_out = connection.calls.pending()[-1]
    connection.calls._calls.close(ran_out.id)
    connection.calls._fail(ran_out, connection.calls._timeout(ran_out))
    with pytest.raises(facade.DeadlineExceeded):
        await call
    await until(lambda: client.late_results)
    assert not connection.answers.callbacks
