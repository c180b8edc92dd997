"""Which thread does what. (Dubbo: its dispatchers, executors and thread-locals)"""

import asyncio
import concurrent.futures
import gc
import threading
import weakref

import pytest

import facade
from facade import RpcContext
from facade.core.context import current_caller

IN_THREADS = pytest.mark.parametrize("wire", ["blocking"], indirect=True)


@facade.service("dubbo.threads.Teller")
class Teller:
    async def on_loop(self) -> str: ...

    async def in_thread(self) -> str: ...

    async def wait(self) -> str: ...


class TellerImpl(Teller):
    """Each tells the name of the thread that it runs in."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.begun = asyncio.Event()

    async def on_loop(self) -> str:
        return threading.current_thread().name

    def in_thread(self) -> str:  # type: ignore[override]
        return threading.current_thread().name

    async def wait(self) -> str:
        self.begun.set()
        await asyncio.to_thread(self.released.wait)
        return threading.current_thread().name


class Where(facade.Filter):
    """Notes its threads: of ``invoke`` before and after the call, and of ``on_response``."""

    def __init__(self, *, needs_loop):
        self.needs_loop = needs_loop
        self.threads = []

    async def invoke(self, invoker, invocation):
        self.note()
        result = await invoker.invoke(invocation)
        self.note()
        return result

    def on_response(self, result, invoker, invocation):
        self.note()

    def note(self):
        self.threads.append(threading.current_thread())


# The provider's


@pytest.mark.behaviour("B7.25", "B7.27")
async def test_methods_that_block_have_threads(wire) -> None:
    """A plain method runs in a named thread of the pool, an async one on the loop."""
    teller = await wire.refer(Teller, TellerImpl())
    assert await wire.call(teller.on_loop) == threading.current_thread().name
    assert (await wire.call(teller.in_thread)).startswith("facade-method")


@pytest.mark.behaviour("B1.28", "B7.25")
async def test_call_that_waits_holds_up_no_other(wire) -> None:
    """While one method waits, others are read, run and answered."""
    impl = TellerImpl()
    teller = await wire.refer(Teller, impl)
    waiting = wire.start(teller.wait)
    await impl.begun.wait()
    assert await wire.call(teller.on_loop)
    assert await wire.call(teller.in_thread)
    assert not waiting.done()
    impl.released.set()
    assert await waiting


@pytest.mark.behaviour("B7.24", "B7.14")
async def test_call_that_fails_harms_no_other(wire) -> None:
    """What goes wrong in one call is answered there; the stream and its other calls go on."""

    class Failing(facade.Filter):
        async def invoke(self, invoker, invocation):
            if invocation.name == "in_thread":
                raise AttributeError("a bug")
            return await invoker.invoke(invocation)

    impl = TellerImpl()
    server = await wire.provide((Teller, impl), filters=["default", Failing()])
    teller = wire.connect(server).refer(Teller)
    waiting = wire.start(teller.wait)
    await impl.begun.wait()
    with pytest.raises(facade.RpcError, match="see its log"):
        await wire.call(teller.in_thread)
    impl.released.set()
    assert await waiting
    assert await wire.call(teller.on_loop)


# The consumer's


@IN_THREADS
@pytest.mark.behaviour("B2.31", "B7.31", "B7.33")
async def test_caller_that_waits_does_the_work(wire) -> None:
    """A blocking call's filters run on its own thread, where they need no loop."""
    where = Where(needs_loop=False)
    teller = await wire.refer(Teller, TellerImpl(), filters=["default", where])
    await wire.call(teller.on_loop)
    caller = await wire.do(threading.current_thread)
    assert where.threads == [caller] * 3


@IN_THREADS
@pytest.mark.behaviour("B2.31", "B7.30", "B7.31")
async def test_filters_that_need_a_loop_have_one(wire) -> None:
    """Otherwise they run on the one thread of the process that all blocking clients share."""
    first, second = Where(needs_loop=True), Where(needs_loop=True)
    server = await wire.provide((Teller, TellerImpl()))
    for where in (first, second):
        teller = wire.connect(server, filters=["default", where]).refer(Teller)
        await wire.call(teller.on_loop)
    (thread,) = {*first.threads, *second.threads}
    assert thread not in (await wire.do(threading.current_thread), threading.current_thread())


@pytest.mark.parametrize("wire", ["memory", "stream", "unary"], indirect=True)
@pytest.mark.behaviour("B2.31")
async def test_async_caller_stays_on_its_loop(wire) -> None:
    """With AsyncClient everything of a call runs on the loop that makes it."""
    where = Where(needs_loop=True)
    teller = await wire.refer(Teller, TellerImpl(), filters=["default", where])
    await wire.call(teller.on_loop)
    assert set(where.threads) == {threading.current_thread()}


@pytest.mark.behaviour("B1.13", "B10.8")
async def test_failure_is_raised_out_of_invoke(wire) -> None:
    """A filter that retries sees a failure where it awaits, for a caller that waits too."""
    attempts = []

    class Retry(facade.Filter):
        async def invoke(self, invoker, invocation):
            try:
                return await invoker.invoke(invocation)
            except facade.LimitExceeded:
                return await invoker.invoke(invocation)

    class Once(facade.Filter):
        async def invoke(self, invoker, invocation):
            attempts.append(invocation.name)
            if len(attempts) == 1:
                raise facade.LimitExceeded("busy", sent=facade.Sent.NOT_EXECUTED)
            return await invoker.invoke(invocation)

    server = await wire.provide((Teller, TellerImpl()), filters=["default", Once()])
    teller = wire.connect(server, filters=["default", Retry()]).refer(Teller)
    assert await wire.call(teller.on_loop)
    assert attempts == ["on_loop", "on_loop"]


# What belongs to a thread


@pytest.mark.behaviour("B4.16")
async def test_tasks_and_threads_have_their_own() -> None:
    """What is kept for one task or thread is not found by another, and is made when asked for."""

    def mark():
        assert RpcContext.values() == {}
        RpcContext.values()["mine"] = True
        return current_caller()

    async def in_task():
        return mark()

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        callers = {
            mark(),
            await asyncio.create_task(in_task()),
            await asyncio.get_running_loop().run_in_executor(pool, mark),
        }
    assert len(callers) == 3


@pytest.mark.behaviour("B4.1")
async def test_contexts_are_there_when_asked_for() -> None:
    """Where no call was made or is served, each is empty, and nothing has to be set up."""

    async def in_task():
        assert RpcContext.client_attachments() == {}
        assert RpcContext.server_attachments() == {}
        assert RpcContext.response_attachments() == {}
        assert RpcContext.values() == {}
        assert RpcContext.countdown() is None
        assert RpcContext.future() is None
        with pytest.raises(RuntimeError, match="no call"):
            RpcContext.service()

    await asyncio.create_task(in_task())


@pytest.mark.behaviour("B4.16")
async def test_nothing_is_left_of_a_task_that_ended() -> None:
    """No table has to be cleaned: what was kept for it goes with it."""

    async def in_task():
        RpcContext.client_attachments()["trace"] = "1"
        return weakref.ref(current_caller())

    caller = await asyncio.create_task(in_task())
    await asyncio.sleep(0)  # this step of the loop still has hold of the task
    gc.collect()
    assert caller() is None


@pytest.mark.behaviour("B4.17")
def test_bare_thread_inherits_nothing() -> None:
    """A thread that somebody starts has no context of its parent."""
    RpcContext.values()["mine"] = True
    found = []
    thread = threading.Thread(target=lambda: found.append(dict(RpcContext.values())))
    thread.start()
    thread.join()
    assert found == [{}]
    assert RpcContext.values() == {"mine": True}
