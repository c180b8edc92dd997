"""A provider that stops."""

import asyncio

import pytest

import facade


@facade.service("stopping.Worker")
class Worker:
    async def work(self) -> str: ...


class WorkerImpl(Worker):
    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.released = asyncio.Event()

    async def work(self) -> str:
        self.started.set()
        await self.released.wait()
        return "done"


async def test_running_call_ends(wire):
    """A call that is under way when the provider stops gets its answer."""
    impl = WorkerImpl()
    server = await wire.provide((Worker, impl))
    call = wire.start(wire.connect(server).refer(Worker).work)
    await impl.started.wait()
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)
    impl.released.set()
    assert await call == "done"
    await stopping


async def test_call_that_outlasts_the_grace(wire):
    """It fails, and the error says that the provider stops; it may have been executed."""
    impl = WorkerImpl()
    server = await wire.provide((Worker, impl))
    call = wire.start(wire.connect(server).refer(Worker).work)
    await impl.started.wait()
    await server.stop(grace=0.05)
    with pytest.raises(facade.Unavailable, match="the provider stops") as raised:
        await call
    assert raised.value.sent is facade.Sent.MAYBE_EXECUTED


async def test_call_at_a_provider_that_has_stopped(wire):
    """It fails as unavailable, and was not executed."""
    impl = WorkerImpl()
    impl.released.set()
    server = await wire.provide((Worker, impl))
    worker = wire.connect(server, wait_for_ready=False).refer(Worker)
    assert await wire.call(worker.work) == "done"
    await server.stop()
    impl.started.clear()
    with pytest.raises(facade.Unavailable) as raised:
        await wire.call(worker.work)
    assert raised.value.sent is facade.Sent.NOT_SENT
    assert not impl.started.is_set()


async def test_stop_of_an_idle_provider(wire):
    """Connections without calls are hung up at once, however long the grace is."""
    impl = WorkerImpl()
    impl.released.set()
    server = await wire.provide((Worker, impl))
    assert await wire.call(wire.connect(server).refer(Worker).work) == "done"
    await server.stop(grace=3600)


async def test_close_with_a_call_under_way(wire):
    """A client that is closed lets its call end."""
    impl = WorkerImpl()
    server = await wire.provide((Worker, impl))
    client = wire.connect(server)
    call = wire.start(client.refer(Worker).work)
    await impl.started.wait()
    closing = (
        asyncio.ensure_future(asyncio.to_thread(client.close))
        if wire.blocking
        else asyncio.create_task(client.close())
    )
    await asyncio.sleep(0)
    impl.released.set()
    assert await call == "done"
    await closing


async def test_call_of_a_closed_client(wire):
    """It fails at once and says why."""
    impl = WorkerImpl()
    server = await wire.provide((Worker, impl))
    client = wire.connect(server)
    await (asyncio.to_thread(client.close) if wire.blocking else client.close())
    with pytest.raises(facade.Unavailable, match="the client is closed") as raised:
        await wire.call(client.refer(Worker).work)
    assert raised.value.sent is facade.Sent.NOT_SENT
