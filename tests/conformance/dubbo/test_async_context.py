"""AsyncContext: a method answers after it has returned."""

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import facade
from facade import AsyncContext, RpcContext

# Seconds. Short: these calls are meant to expire.
SHORT = 0.25


@facade.service("later.Oracle")
class Oracle:
    async def ask(self, question: str) -> str: ...


class Later(Oracle):
    """Starts, and leaves the rest to the test."""

    def __init__(self) -> None:
        self.contexts: asyncio.Queue[AsyncContext] = asyncio.Queue()

    async def ask(self, question: str) -> str:
        self.contexts.put_nowait(RpcContext.start_async())
        return "ignored"


class LaterInThread(Oracle):
    """The same, of a method that is not async."""

    def __init__(self) -> None:
        self.contexts: asyncio.Queue[AsyncContext] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def ask(self, question: str) -> str:
        context = RpcContext.start_async()
        self._loop.call_soon_threadsafe(self.contexts.put_nowait, context)
        return "ignored"


def in_thread(function, *arguments):
    """Run it on a thread that has nothing of ours."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()


@pytest.fixture(params=[Later, LaterInThread])
async def impl(request):
    return request.param()


@pytest.mark.behaviour("B1.28", "B4.26", "B4.28", "B4.33")
async def test_what_is_written_is_the_answer(wire, impl):
    """From any thread, and whatever the method returned."""
    oracle = await wire.refer(Oracle, impl)
    asked = wire.start(oracle.ask, "why")
    context = await impl.contexts.get()
    assert not asked.done()
    in_thread(context.write, "because")
    assert await asked == "because"


@pytest.mark.behaviour("B4.28")
async def test_exception_that_is_written(wire, impl):
    """It reaches the caller as if the method had raised it."""
    oracle = await wire.refer(Oracle, impl)
    asked = wire.start(oracle.ask, "why")
    (await impl.contexts.get()).write(ValueError("no idea"))
    with pytest.raises(ValueError, match="no idea"):
        await asked


@pytest.mark.behaviour("B4.28")
async def test_exactly_one_write_wins(wire, impl):
    """Of many threads that write one is heard, and the others are told."""
    oracle = await wire.refer(Oracle, impl)
    asked = wire.start(oracle.ask, "why")
    context = await impl.contexts.get()
    together = threading.Barrier(8)

    def write(number):
        together.wait()
        try:
            context.write(str(number))
        except RuntimeError:
            return None
        return str(number)

    with ThreadPoolExecutor(8) as pool:
        loop = asyncio.get_running_loop()
        outcomes = await asyncio.gather(
            *(loop.run_in_executor(pool, write, number) for number in range(8))
        )
    assert [outcome for outcome in outcomes if outcome is not None] == [await asked]
    with pytest.raises(RuntimeError, match="written already"):
        context.write("late")


@pytest.mark.behaviour("B4.26")
async def test_starting_again_gives_the_same(wire):
    """However often, and from wherever the call is served."""

    class Impl(Oracle):
        async def ask(self, question: str) -> str:
            assert not RpcContext.is_async_started()
            first = RpcContext.start_async()
            assert RpcContext.is_async_started()
            assert await asyncio.to_thread(RpcContext.start_async) is first
            first.write("one")
            assert RpcContext.start_async() is first
            return "two"

    assert await wire.call((await wire.refer(Oracle, Impl())).ask, "why") == "one"


@pytest.mark.behaviour("B4.29")
async def test_stop_is_true_for_the_first(wire):
    """After it nothing can be written; the context still counts as started."""

    class Impl(Oracle):
        async def ask(self, question: str) -> str:
            context = RpcContext.start_async()
            told.put_nowait((context.stop(), context.stop(), RpcContext.is_async_started()))
            try:
                context.write("late")
            except RuntimeError as error:
                told.put_nowait(str(error))
            return "ignored"

    told = asyncio.Queue()
    oracle = await wire.refer(Oracle, Impl(), timeout=SHORT)
    while told.empty():  # else it was late before it was started
        with pytest.raises(facade.DeadlineExceeded):
            await wire.call(oracle.ask, "why")
    assert await told.get() == (True, False, True)
    assert "later.Oracle.ask" in await told.get()


@pytest.mark.behaviour("B4.30")
async def test_context_switch(wire, impl):
    """A worker sees the request between the two calls, and its own surroundings around them."""
    oracle = await wire.refer(Oracle, impl)

    def work(context):
        before = dict(RpcContext.server_attachments())
        context.signal_context_switch()
        within = dict(RpcContext.server_attachments())
        side = RpcContext.service().side
        RpcContext.response_attachments()["by"] = "worker"
        context.reset_context()
        context.reset_context()  # there is nothing more to undo
        context.write(f"{before} {within} {side} {dict(RpcContext.server_attachments())}")

    def ask():
        RpcContext.client_attachments()["user"] = "Ann"
        return oracle.ask("why")

    asked = asyncio.ensure_future(wire.call(ask))
    context = await impl.contexts.get()
    await asyncio.to_thread(in_thread, work, context)
    assert await asked == "{} {'user': 'Ann'} provider {}"
    if wire.blocking:
        assert (await wire.do(RpcContext.response_attachments))["by"] == "worker"


@pytest.mark.behaviour("B4.30")
async def test_context_switch_within_another_call(wire):
    """Code that serves one call works for another, and is back in its own after it."""

    class Impl(Oracle):
        async def ask(self, question: str) -> str:
            if question == "first":
                waiting.put_nowait(RpcContext.start_async())
                return "ignored"
            other = await waiting.get()
            other.signal_context_switch()
            arguments = RpcContext.service().arguments
            other.reset_context()
            other.write(f"{arguments[0]} of {RpcContext.service().arguments[0]}")
            return question

    waiting = asyncio.Queue()
    oracle = await wire.refer(Oracle, Impl())
    first = wire.start(oracle.ask, "first")
    assert await wire.call(oracle.ask, "second") == "second"
    assert await first == "first of second"


@pytest.mark.behaviour("B4.31", "B1.29")
async def test_method_that_starts_and_raises(wire, impl):
    """The caller gets what it raised; what would be written after that is refused."""

    class Raising(Oracle):
        async def ask(self, question: str) -> str:
            started.put_nowait(RpcContext.start_async())
            raise ValueError("changed my mind")

    started = asyncio.Queue()
    oracle = await wire.refer(Oracle, Raising())
    with pytest.raises(ValueError, match="changed my mind"):
        await wire.call(oracle.ask, "why")
    with pytest.raises(RuntimeError):
        (await started.get()).write("late")


@pytest.mark.behaviour("B1.29")
async def test_method_that_writes_and_raises(wire, caplog):
    """What it raised is the answer, and the provider's log tells that one was written."""

    class Raising(Oracle):
        async def ask(self, question: str) -> str:
            RpcContext.start_async().write("written")
            raise ValueError("and raised")

    oracle = await wire.refer(Oracle, Raising())
    with pytest.raises(ValueError, match="and raised"):
        await wire.call(oracle.ask, "why")
    assert "after its answer was written" in caplog.text


@pytest.mark.behaviour("B4.31")
async def test_never_written(wire, impl, caplog):
    """The consumer times out; the provider lets the call go, and a late write is no error."""
    server = await wire.provide((Oracle, impl))
    client = wire.connect(server, timeout=SHORT)
    await wire.call(client.ready, 20)
    oracle = client.refer(Oracle)
    caplog.set_level(logging.WARNING)
    while impl.contexts.empty():  # else it was late before it was started
        with pytest.raises(facade.DeadlineExceeded):
            await wire.call(oracle.ask, "why")
    context = await impl.contexts.get()
    # It hears of the call a little later than the consumer makes it, so its time ends later, too;
    # and a consumer who waits for nothing leaves as soon as the server stops.
    while "invoke timed out" not in caplog.text:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    await server.stop()  # waits for calls that are still served, and would cancel this one
    assert "had not ended" not in caplog.text
    context.write("late")


@pytest.mark.behaviour("B4.31")
@pytest.mark.parametrize("wire", ["memory", "stream", "unary"], indirect=True)
async def test_never_written_and_the_caller_leaves(wire, impl):
    """A cancelled call is let go, though nothing is ever written."""
    server = await wire.provide((Oracle, impl))
    asked = wire.start(wire.connect(server).refer(Oracle).ask, "why")
    await impl.contexts.get()
    asked.cancel()
    await asyncio.wait((asked,))
    await asyncio.wait_for(server.stop(grace=30), 20)


@pytest.mark.behaviour("B4.32")
async def test_outside_of_a_call(wire):
    """There is nothing to start, and nothing is started."""
    assert await wire.do(RpcContext.is_async_started) is False
    with pytest.raises(RuntimeError, match="no call is served here"):
        await wire.do(RpcContext.start_async)


@pytest.mark.behaviour("B1.28")
async def test_method_that_returns_a_future_of_its_own(wire):
    """A future that a method returns is waited for, of either kind."""

    class Impl(Oracle):
        def ask(self, question: str):
            return pool.submit(lambda: f"{question}, in the pool")

    with ThreadPoolExecutor(1) as pool:
        oracle = await wire.refer(Oracle, Impl())
        assert await wire.call(oracle.ask, "why") == "why, in the pool"
