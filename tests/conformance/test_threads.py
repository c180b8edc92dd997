"""Methods that are not async run in threads."""

import asyncio
import threading

import facade


@facade.service("threads.Worker")
class Worker:
    def work(self, name: str) -> str: ...

    async def quick(self) -> str: ...


class WorkerImpl(Worker):
    """``work`` runs until it is released."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.released = threading.Event()

    def work(self, name: str) -> str:
        self.started.release()
        assert self.released.wait(30)
        return f"{name} by {threading.current_thread().name}"

    async def quick(self) -> str:
        return "quick"


async def test_plain_method_does_not_block_others(wire):
    """While one method blocks its thread, another is called and answers."""
    impl = WorkerImpl()
    worker = await wire.refer(Worker, impl)
    blocked = wire.start(worker.work, "one")
    try:
        assert await asyncio.to_thread(impl.started.acquire, timeout=30)
        assert await wire.call(worker.quick) == "quick"
        assert not blocked.done()
    finally:
        impl.released.set()
    assert (await blocked).startswith("one by facade-method")


async def test_plain_methods_run_at_the_same_time(wire):
    """Several of them meet, each in a thread of its own."""
    meeting = threading.Barrier(4)

    class Meeting(WorkerImpl):
        def work(self, name: str) -> str:
            meeting.wait(30)
            return threading.current_thread().name

    worker = await wire.refer(Worker, Meeting())
    threads = await asyncio.gather(*(wire.start(worker.work, str(n)) for n in range(4)))
    assert len(set(threads)) == 4


async def test_plain_method_has_its_context(wire):
    """RpcContext tells a thread about the call that it serves, both ways."""

    class Curious(WorkerImpl):
        def work(self, name: str) -> str:
            facade.RpcContext.response_attachments()["from"] = "thread"
            return str(facade.RpcContext.server_attachments()["who"])

    worker = await wire.refer(Worker, Curious())
    assert await wire.call(worker.work.options(attachments={"who": "Ann"}), "one") == "Ann"
    back = await wire.do(facade.RpcContext.response_attachments)
    assert back["from"] == "thread"


async def test_plain_method_that_returns_a_coroutine(wire):
    """A ``def`` that calls an ``async def``, as decorators do, gives what that one gives."""

    class Wrapped(WorkerImpl):
        def work(self, name: str) -> str:
            return self._work(name)  # type: ignore[return-value]

        async def _work(self, name: str) -> str:
            return f"{name}, awaited"

    worker = await wire.refer(Worker, Wrapped())
    assert await wire.call(worker.work, "one") == "one, awaited"


async def test_exhausted_threads_refuse(wire):
    """A call for which there is neither thread nor place to wait is refused at once."""
    impl = WorkerImpl()
    server = await wire.provide((Worker, impl), threads=1, queue=0)
    worker = wire.connect(server).refer(Worker)
    running = wire.start(worker.work, "one")
    try:
        assert await asyncio.to_thread(impl.started.acquire, timeout=30)
        refused = wire.start(worker.work, "two")
        error = (await asyncio.gather(refused, return_exceptions=True))[0]
    finally:
        impl.released.set()
    assert isinstance(error, facade.LimitExceeded)
    assert "thread pool is exhausted" in str(error)
    assert error.sent is facade.Sent.NOT_EXECUTED
    assert (await running).startswith("one")


async def test_queue_holds_calls_that_wait_for_a_thread(wire):
    """A call that finds no thread, but a place in the queue, is served in its turn."""
    impl = WorkerImpl()
    server = await wire.provide((Worker, impl), threads=1, queue=1)
    worker = wire.connect(server).refer(Worker)
    running = wire.start(worker.work, "one")
    assert await asyncio.to_thread(impl.started.acquire, timeout=30)
    waiting = wire.start(worker.work, "two")
    impl.released.set()
    assert (await running).startswith("one")
    assert (await waiting).startswith("two")


async def test_plain_method_that_raises_stop_iteration(wire):
    """``next()`` on what is empty is an error of the method, and no call without an answer."""

    class Empty(WorkerImpl):
        def work(self, name: str) -> str:
            return next(iter(()))

    worker = await wire.refer(Worker, Empty(), timeout=5)
    error = (await asyncio.gather(wire.start(worker.work, "one"), return_exceptions=True))[0]
    assert isinstance(error, Exception)
    assert not isinstance(error, facade.DeadlineExceeded)
