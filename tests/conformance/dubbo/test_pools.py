"""Who runs what: threads of the provider, and the caller's own."""

import asyncio
import logging
import threading
from dataclasses import dataclass

import pytest

import facade

decoded: list[threading.Thread] = []  # in which threads Values were made


@dataclass
class Value:
    text: str

    def __post_init__(self) -> None:
        decoded.append(threading.current_thread())


@facade.service("pools.Worker")
class Worker:
    def work(self) -> str: ...

    def name(self) -> str: ...

    async def value(self) -> Value: ...


@facade.service("pools.Other")
class Other:
    def name(self) -> str: ...


class WorkerImpl(Worker):
    """``work`` runs until it is released."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.released = threading.Event()

    def work(self) -> str:
        self.started.release()
        assert self.released.wait(30)
        return "done"

    def name(self) -> str:
        return threading.current_thread().name

    async def value(self) -> Value:
        return Value("made at the provider")

    async def has_started(self) -> None:
        assert await asyncio.to_thread(self.started.acquire, timeout=30)


@pytest.fixture
def impl():
    made = WorkerImpl()
    yield made
    made.released.set()


# At the provider


@pytest.mark.behaviour("B7.25")
async def test_loop_is_free_while_a_thread_works(wire, impl):
    """Plain methods run in threads, async ones and the exchange on the loop: neither waits."""
    worker = await wire.refer(Worker, impl)
    running = wire.start(worker.work)
    await impl.has_started()
    assert (await wire.call(worker.value)).text == "made at the provider"
    assert not running.done()
    impl.released.set()
    assert await running == "done"


@pytest.mark.behaviour("B7.27")
@pytest.mark.parametrize("wrong", [{"threads": 0}, {"threads": 2, "queue": -1}, {"queue": 5}])
def test_sizes_that_make_no_sense(wrong):
    """They are errors at the export. There is one kind of pool: fixed, with a bounded queue."""
    with pytest.raises(ValueError, match=r"thread"):
        facade.Server().export(Other, WorkerImpl(), **wrong)


@pytest.mark.behaviour("B7.28", "B7.29")
async def test_exhausted_pool_says_so(wire, impl, caplog):
    """The call is refused at once, with the pool's facts; it was not executed.

    Ours: LIMIT_EXCEEDED, where Dubbo's consumer sees NETWORK and tries again.
    """
    caplog.set_level(logging.WARNING, "facade")
    server = await wire.provide(threads=2, queue=9)
    exporter = server.export(Worker, impl, threads=1, queue=1)
    worker = wire.connect(server).refer(Worker)
    calls = [wire.start(worker.work)]
    await impl.has_started()
    calls.append(wire.start(worker.work))
    while exporter.pool.queued != 1:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0.001)
    for _ in range(2):
        with pytest.raises(facade.LimitExceeded) as raised:
            await wire.call(worker.work)
    assert raised.value.sent is facade.Sent.NOT_EXECUTED
    assert raised.value.code is facade.Code.LIMIT_EXCEEDED
    for fact in ("pools.Worker", "size: 1", "active: 1", "queued: 1 of 1", "refused: 2"):
        assert fact in str(raised.value)
    assert (str(server.port) if server.port else server.address) in str(raised.value)
    assert "Thread pool is EXHAUSTED!" in caplog.text
    impl.released.set()
    assert await asyncio.gather(*calls) == ["done"] * 2
    assert (exporter.pool.refused, exporter.pool.active, exporter.pool.queued) == (2, 0, 0)
    assert exporter.pool.completed == 2


@pytest.mark.behaviour("B7.28")
async def test_log_is_not_filled_by_an_exhausted_pool(wire, impl, caplog, monkeypatch):
    """Every caller is told; the log has one line in a while."""
    monkeypatch.setattr("facade.provider.pool.WARN_EVERY", 3600)
    caplog.set_level(logging.WARNING, "facade")
    server = await wire.provide()
    server.export(Worker, impl, threads=1, queue=0)
    worker = wire.connect(server).refer(Worker)
    running = wire.start(worker.work)
    await impl.has_started()
    for _ in range(5):
        with pytest.raises(facade.LimitExceeded):
            await wire.call(worker.work)
    assert caplog.text.count("EXHAUSTED") == 1
    impl.released.set()
    await running


@pytest.mark.behaviour("B7.30")
async def test_pool_of_a_service(wire, impl):
    """One that is exhausted by a service leaves the threads of others alone."""
    server = await wire.provide((Other, WorkerImpl()))
    exporter = server.export(Worker, impl, threads=1, queue=0)
    client = wire.connect(server)
    running = wire.start(client.refer(Worker).work)
    await impl.has_started()
    with pytest.raises(facade.LimitExceeded):
        await wire.call(client.refer(Worker).name)
    assert await wire.call(client.refer(Other).name)
    assert (exporter.pool.active, server.pool.refused) == (1, 0)
    impl.released.set()
    assert await running == "done"


@pytest.mark.behaviour("B7.30")
async def test_shared_pool(wire, impl):
    """Services without a pool of their own share the server's, and its limit."""
    server = await wire.provide((Worker, impl), (Other, WorkerImpl()), threads=1, queue=0)
    client = wire.connect(server)
    running = wire.start(client.refer(Worker).work)
    await impl.has_started()
    with pytest.raises(facade.LimitExceeded, match="that of the server"):
        await wire.call(client.refer(Other).name)
    impl.released.set()
    assert await running == "done"


@pytest.mark.behaviour("B7.30", "B8.6")
async def test_pool_of_a_service_that_is_unexported(wire, impl):
    """What it has taken ends as it would, and its threads with it."""
    before = set(threading.enumerate())
    server = await wire.provide()
    exporter = server.export(Worker, impl, threads=1, queue=1)
    worker = wire.connect(server).refer(Worker)
    calls = [wire.start(worker.work)]
    await impl.has_started()
    (thread,) = [t for t in set(threading.enumerate()) - before if "facade-method" in t.name]
    calls.append(wire.start(worker.work))
    while not exporter.pool.queued:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0.001)
    exporter.unexport()
    with pytest.raises((facade.Unimplemented, facade.Unavailable)):
        await wire.call(worker.work)
    impl.released.set()
    assert await asyncio.gather(*calls) == ["done"] * 2
    await asyncio.to_thread(thread.join, 30)
    assert not thread.is_alive()


@pytest.mark.behaviour("B7.30")
async def test_call_that_comes_to_a_pool_that_was_closed(wire, impl):
    """One that was on its way when its service was unexported runs in the shared pool."""
    arrived, go_on = asyncio.Event(), asyncio.Event()

    class Wait(facade.Filter):
        async def invoke(self, invoker, invocation):
            arrived.set()
            await go_on.wait()
            return await invoker.invoke(invocation)

    server = await wire.provide(filters=["default", Wait()])
    exporter = server.export(Worker, impl, threads=1)
    call = wire.start(wire.connect(server).refer(Worker).name)
    await arrived.wait()
    exporter.unexport()
    go_on.set()
    assert (await call).startswith("facade-method")
    assert (exporter.pool.completed, server.pool.completed) == (0, 1)


# At the consumer


class Where(facade.Filter):
    """Notes the threads of its callbacks."""

    needs_loop = False

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def on_response(self, result, invoker, invocation):
        self.threads.append(threading.current_thread())


@pytest.mark.behaviour("B7.26", "B7.31", "B7.32", "B7.33")
@pytest.mark.parametrize("wire", ["blocking"], indirect=True)
async def test_answer_is_decoded_on_the_callers_own_thread(wire, impl):
    """So are the callbacks of filters run: the thread that waits does the work meanwhile."""
    where = Where()
    server = await wire.provide((Worker, impl))
    worker = wire.connect(server, filters=["default", where]).refer(Worker)
    decoded.clear()

    def call():
        return worker.value(), threading.current_thread()

    value, caller = await wire.do(call)
    assert value.text == "made at the provider"
    assert decoded == [threading.current_thread(), caller]  # made at the provider, then here
    assert where.threads == [caller]


@pytest.mark.behaviour("B7.31", "B7.33")
@pytest.mark.parametrize("wire", ["memory", "stream"], indirect=True)
async def test_answer_of_an_asynchronous_call_is_decoded_on_the_loop(wire, impl):
    """In the task of the call: ours is the loop's thread, where Dubbo has a shared pool."""
    where = Where()
    server = await wire.provide((Worker, impl))
    worker = wire.connect(server, filters=["default", where]).refer(Worker)
    decoded.clear()
    assert (await worker.value()).text == "made at the provider"
    assert set(decoded) == {threading.current_thread()}
    assert where.threads == [threading.current_thread()]


@pytest.mark.behaviour("B7.33")
@pytest.mark.parametrize("wire", ["blocking"], indirect=True)
async def test_future_is_decoded_elsewhere(wire, impl):
    """Nobody waits for it on the calling thread, which is left in peace."""
    worker = await wire.refer(Worker, impl)
    decoded.clear()

    def call():
        return worker.value.future(), threading.current_thread()

    future, caller = await wire.do(call)
    assert (await wire.value(future)).text == "made at the provider"
    assert caller not in decoded
