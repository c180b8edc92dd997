"""A caller who goes takes his call along. Not for blocking calls, which nobody can leave."""

import asyncio

import pytest

import facade

pytestmark = pytest.mark.parametrize("wire", ["memory", "stream", "unary", "injvm"], indirect=True)


@facade.service("cancellation.Worker")
class Worker:
    async def work(self) -> str: ...

    async def quick(self) -> str: ...


class WorkerImpl(Worker):
    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def work(self) -> str:
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "never"

    async def quick(self) -> str:
        return "quick"


class Hop(Worker):
    def __init__(self, next: Worker) -> None:
        self.next = next

    async def work(self) -> str:
        return await self.next.work()

    async def quick(self) -> str:
        return await self.next.quick()


async def test_cancelled_task(wire):
    """Cancelling the task that waits cancels the method's coroutine."""
    impl = WorkerImpl()
    worker = await wire.refer(Worker, impl)
    call = wire.start(worker.work)
    await impl.started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await impl.cancelled.wait()


async def test_cancelled_future(wire):
    """So does cancelling its future."""
    impl = WorkerImpl()
    worker = await wire.refer(Worker, impl)
    future = worker.work.future()
    await impl.started.wait()
    future.cancel()
    await impl.cancelled.wait()
    assert future.cancelled()


async def test_timeout_of_the_caller_s_own(wire):
    """So does a scope like ``asyncio.timeout`` that the caller waits in."""
    impl = WorkerImpl()
    worker = await wire.refer(Worker, impl)

    async def in_scope():
        async with asyncio.timeout(None) as scope:
            leaving = asyncio.create_task(leave(scope))
            await worker.work()
        await leaving

    async def leave(scope):
        await impl.started.wait()
        scope.reschedule(0)

    with pytest.raises(TimeoutError) as raised:
        await in_scope()
    await impl.cancelled.wait()
    assert not isinstance(raised.value, facade.RpcError)


async def test_cancellation_goes_over_the_hops(wire):
    """When A goes, B is cancelled, and with it what B called at C."""
    impl = WorkerImpl()
    end = await wire.provide((Worker, impl))
    worker = await wire.refer(Worker, Hop(wire.hop(end).refer(Worker)))
    call = wire.start(worker.work)
    await impl.started.wait()
    call.cancel()
    await impl.cancelled.wait()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_other_calls_go_on(wire):
    """Cancelling one call harms no other."""
    impl = WorkerImpl()
    worker = await wire.refer(Worker, impl)
    call = wire.start(worker.work)
    await impl.started.wait()
    call.cancel()
    assert await wire.call(worker.quick) == "quick"
    await impl.cancelled.wait()


async def test_filters_see_the_cancellation(wire):
    """A listener at each end learns of it, as an error."""
    seen: list[str] = []
    told = asyncio.Event()

    class Listener(facade.Filter):
        def __init__(self, name):
            self.name = name

        def on_error(self, error, invoker, invocation):
            if isinstance(error, asyncio.CancelledError):
                seen.append(self.name)
                if len(seen) == 2:
                    told.set()

    impl = WorkerImpl()
    server = await wire.provide((Worker, impl), filters=[Listener("provider")])
    worker = wire.connect(server, filters=[Listener("consumer")]).refer(Worker)
    call = wire.start(worker.work)
    await impl.started.wait()
    call.cancel()
    await told.wait()
    assert seen == ["consumer", "provider"]


async def test_method_that_cancels_itself(wire):
    """Its caller, who still waits, gets an error of the call and is not cancelled himself."""

    class Quitting(WorkerImpl):
        async def work(self) -> str:
            raise asyncio.CancelledError

    worker = await wire.refer(Worker, Quitting())
    with pytest.raises(facade.RpcError) as raised:
        await wire.call(worker.work)
    assert raised.value.status is facade.Status.CANCELLED
    assert await wire.call(worker.quick) == "quick"
