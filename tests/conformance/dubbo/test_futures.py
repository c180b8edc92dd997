"""The context's future, and what makes calls asynchronous around a function."""

import asyncio
import concurrent.futures
import threading

import pytest

import facade
from facade import InvokeMode, RpcContext


@facade.service("futures.Clerk")
class Clerk:
    async def add(self, a: int, b: int) -> int: ...

    async def refuse(self, why: str) -> int: ...

    async def wait(self) -> None: ...

    @facade.method(oneway=True)
    async def note(self, line: str) -> None: ...


class ClerkImpl(Clerk):
    def __init__(self) -> None:
        self.waiting = asyncio.Event()
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    async def add(self, a: int, b: int) -> int:
        return a + b

    async def refuse(self, why: str) -> int:
        raise ValueError(why)

    async def wait(self) -> None:
        self.waiting.set()
        await asyncio.Event().wait()

    async def note(self, line: str) -> None:
        self.lines.put_nowait(line)


@pytest.fixture
async def clerk(wire):
    return await wire.refer(Clerk, ClerkImpl())


def asynchronous(method):
    return facade.bound(method).options(mode=InvokeMode.ASYNC)


async def context_future(wire):
    return await wire.do(RpcContext.future)


async def ended(wire, future):
    """Wait until it is done, however it ended."""
    waits_for = asyncio.wrap_future(future) if wire.blocking else future
    await asyncio.wait((waits_for,))


# Three ways to an asynchronous result


@pytest.mark.behaviour("B4.36", "B4.37")
async def test_result_of_the_future(wire, clerk):
    """The first way: ask the context's future for its result."""
    await wire.call(asynchronous(clerk.add), 1, 2)
    future = await context_future(wire)
    if wire.blocking:
        assert await wire.do(future.result) == 3
    else:
        await future
        assert future.result() == 3


@pytest.mark.behaviour("B4.36", "B4.37")
async def test_callback_on_the_future(wire, clerk):
    """The second way: a callback, which is given the future when it is done."""
    called = asyncio.Event()
    loop = asyncio.get_running_loop()
    values = []

    def callback(future):
        values.append(future.result())
        loop.call_soon_threadsafe(called.set)

    await wire.call(asynchronous(clerk.add), 1, 2)
    (await context_future(wire)).add_done_callback(callback)
    await called.wait()
    assert values == [3]


@pytest.mark.behaviour("B4.36", "B4.37")
async def test_composition_of_futures(wire, clerk):
    """The third way: futures of several calls are one."""
    futures = []
    for number in range(3):
        await wire.call(asynchronous(clerk.add), number, 10)
        futures.append(await context_future(wire))
    if wire.blocking:
        futures = [asyncio.wrap_future(future) for future in futures]
    assert await asyncio.gather(*futures) == [10, 11, 12]


@pytest.mark.behaviour("B4.37")
async def test_future_of_a_call_that_fails(wire, clerk):
    """The method's exception comes out of the future, and is not raised by the call."""
    assert await wire.call(asynchronous(clerk.refuse), "no") is None
    with pytest.raises(ValueError, match="no"):
        await wire.value(await context_future(wire))


@pytest.mark.behaviour("B1.45")
async def test_future_completes_after_the_callbacks(wire):
    """Whoever waits for it sees what the filters made of the result."""
    steps = []

    class Listener(facade.Filter):
        def __init__(self, name):
            self.name = name

        def on_response(self, result, invoker, invocation):
            steps.append(self.name)
            result.value += 1

    server = await wire.provide((Clerk, ClerkImpl()))
    filters = [Listener("outer"), "default", Listener("inner")]
    clerk = wire.connect(server, filters=filters).refer(Clerk)
    await wire.call(asynchronous(clerk.add), 1, 2)
    future = await context_future(wire)
    future.add_done_callback(lambda _: steps.append("future"))
    assert await wire.value(future) == 5
    assert steps == ["inner", "outer", "future"]


# The future of the last call


@pytest.mark.behaviour("B4.35")
async def test_no_future_before_any_call(wire):
    """It is None."""
    assert await context_future(wire) is None


@pytest.mark.behaviour("B4.35")
async def test_future_of_a_plain_call(wire, clerk):
    """A call that was waited for leaves its future, the same one whenever it is asked for."""
    assert await wire.call(clerk.add, 1, 2) == 3
    future = await context_future(wire)
    assert isinstance(future, concurrent.futures.Future if wire.blocking else asyncio.Future)
    assert future.result() == 3
    assert await context_future(wire) is future
    assert await wire.call(clerk.add, 2, 2) == 4
    assert (await context_future(wire)).result() == 4


@pytest.mark.behaviour("B4.35", "B4.37")
async def test_future_of_a_plain_call_that_failed(wire, clerk):
    """It has what was raised: the method's exception, or what failed the call on its way."""
    with pytest.raises(ValueError, match="no"):
        await wire.call(clerk.refuse, "no")
    assert isinstance((await context_future(wire)).exception(), ValueError)
    with pytest.raises(facade.InvalidArgument):
        await wire.call(clerk.add)
    assert isinstance((await context_future(wire)).exception(), facade.InvalidArgument)


@pytest.mark.behaviour("B4.35", "B6.4")
async def test_future_of_a_oneway_call(wire, clerk):
    """It is done and gives None."""
    assert await wire.call(clerk.note, "line") is None
    future = await context_future(wire)
    assert future.done()
    assert future.result() is None


@pytest.mark.behaviour("B4.35")
@pytest.mark.parametrize("wire", ["memory", "stream", "unary"], indirect=True)
async def test_future_of_a_call_that_goes_on_elsewhere(wire):
    """A call that another task awaits for its caller has a future here; cancelled with it."""
    impl = ClerkImpl()
    clerk = await wire.refer(Clerk, impl)
    task = asyncio.create_task(clerk.wait())
    future = RpcContext.future()
    await impl.waiting.wait()
    assert not future.done()
    task.cancel()
    await asyncio.wait((task,))
    assert future.cancelled()


@pytest.mark.behaviour("B4.34", "B4.35")
async def test_futures_are_per_caller(wire, clerk):
    """Another task, or thread, sees its own calls alone."""
    await wire.call(clerk.add, 1, 2)
    if wire.blocking:
        seen = []
        thread = threading.Thread(target=lambda: seen.append(RpcContext.future()))
        thread.start()
        await asyncio.to_thread(thread.join)
        assert seen == [None]
    else:

        async def look():
            return RpcContext.future()

        assert await asyncio.create_task(look()) is None


@pytest.mark.behaviour("B4.35")
async def test_last_call_that_was_made_counts(wire, clerk):
    """Not the one that ended last."""

    def make():
        first = clerk.add.future(1, 2)
        return first, clerk.add.future(3, 4)

    first, second = await wire.do(make)
    await ended(wire, second)
    await ended(wire, first)
    assert await context_future(wire) is second


# async_call and oneway_call


@pytest.mark.behaviour("B4.39")
async def test_async_call_of_a_remote_method(wire, clerk):
    """It gives the future of the call at once: the context's."""

    def make():
        future = RpcContext.async_call(lambda: clerk.add(1, 2))
        return future, RpcContext.future(), RpcContext.client_attachments()

    future, found, attachments = await wire.do(make)
    assert future is found
    assert attachments == {}
    assert await wire.value(future) == 3


@pytest.mark.behaviour("B4.39")
async def test_async_call_of_a_function_that_calls_nobody(wire, clerk):
    """A value is a future that is done, a future is itself; neither is an earlier call's."""
    await wire.call(clerk.add, 1, 2)
    assert (await wire.do(RpcContext.async_call, lambda: "here")).result() == "here"
    assert (await wire.do(RpcContext.async_call, lambda: None)).result() is None
    mine = concurrent.futures.Future()
    assert await wire.do(RpcContext.async_call, lambda: mine) is mine


@pytest.mark.behaviour("B4.39")
async def test_async_call_of_a_method_that_gives_a_future(wire, clerk):
    """It is that very future."""

    def make():
        futures = []

        def fn():
            futures.append(clerk.add.future(1, 2))
            return futures[0]

        return RpcContext.async_call(fn), futures[0]

    future, made = await wire.do(make)
    assert future is made
    assert await wire.value(future) == 3


@pytest.mark.behaviour("B4.39")
@pytest.mark.parametrize("wire", ["memory", "stream", "unary"], indirect=True)
async def test_async_call_of_a_coroutine_function(wire, clerk):
    """It becomes a task, whose value is the function's."""

    async def twice():
        return 2 * await clerk.add(1, 2)

    future = RpcContext.async_call(twice)
    assert not future.done()
    assert await future == 6


@pytest.mark.behaviour("B4.39")
async def test_async_call_that_raises(wire, clerk):
    """The future has an RpcError with the cause; nothing is raised, nothing is left behind."""

    def make():
        return RpcContext.async_call(lambda: 1 // 0), RpcContext.client_attachments()

    future, attachments = await wire.do(make)
    assert attachments == {}
    with pytest.raises(facade.RpcError, match="ZeroDivisionError") as caught:
        await wire.value(future)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert await wire.call(clerk.add, 1, 2) == 3


@pytest.mark.behaviour("B4.40", "B6.1")
async def test_oneway_call(wire):
    """A method that is not declared so is called oneway, once."""
    impl = ClerkImpl()

    class Asked(ClerkImpl):
        async def add(self, a: int, b: int) -> int:
            impl.lines.put_nowait(f"{a} and {b}")
            return a + b

    clerk = await wire.refer(Clerk, Asked())
    assert await wire.call(RpcContext.oneway_call, lambda: clerk.add(1, 2)) is None
    assert await impl.lines.get() == "1 and 2"
    assert await wire.call(clerk.add, 3, 4) == 7


@pytest.mark.behaviour("B4.40")
async def test_oneway_call_that_raises(wire, clerk):
    """Before anything is sent, errors are the caller's: as the cause of an RpcError."""
    with pytest.raises(facade.RpcError, match="ZeroDivisionError") as caught:
        await wire.do(RpcContext.oneway_call, lambda: 1 // 0)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(facade.InvalidArgument, match="'a'"):
        await wire.call(RpcContext.oneway_call, clerk.add)
    assert await wire.call(clerk.add, 1, 2) == 3
