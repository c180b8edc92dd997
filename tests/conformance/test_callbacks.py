"""A callable that is given as an argument can be called by the provider."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest

import facade

LONG = 20.0

# Those that have a stream to call back on.
streams = pytest.mark.parametrize("wire", ["memory", "stream", "blocking"], indirect=True)
loops = pytest.mark.parametrize("wire", ["memory", "stream"], indirect=True)
threads = pytest.mark.parametrize("wire", ["blocking"], indirect=True)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """The 1 s that a call back has is short for a busy machine, and not what is tested here."""
    monkeypatch.setattr("facade.provider.callback.DEFAULT_TIMEOUT", LONG)


class Listener(Protocol):
    async def on_price(self, symbol: str, price: float) -> int: ...

    async def on_close(self) -> None: ...


@facade.service("callbacks.Prices")
class Prices:
    async def watch(self, symbol: str, listener: Callable[[str, float], None]) -> None: ...

    async def unwatch(self, *, listener: Callable[[str, float], None]) -> bool: ...

    async def listen(self, listener: Listener | None = None) -> int: ...

    async def ask(self, question: Callable[..., Awaitable[Any]]) -> Any: ...

    async def tell(self, text: str) -> str: ...

    def in_thread(self, question: Callable[[int], int]) -> list[int]: ...


class PricesImpl:
    """``asking`` is what ``ask`` does with what it was given."""

    def __init__(self) -> None:
        self.listeners: list[Any] = []
        self.asking: Callable[[Any], Awaitable[Any]] = lambda question: question()

    async def watch(self, symbol: str, listener: Any) -> None:
        self.listeners.append(listener)
        await listener(symbol, 1)

    async def unwatch(self, *, listener: Any) -> bool:
        known = listener in self.listeners
        if known:
            self.listeners.remove(listener)
        return known

    async def listen(self, listener: Any = None) -> int:
        return await listener.on_price("ACME", price=2) if listener is not None else 0

    async def ask(self, question: Any) -> Any:
        return await self.asking(question.options(timeout=LONG))

    async def tell(self, text: str) -> str:
        return text.upper()

    def in_thread(self, question: Any) -> list[int]:
        question.oneway(0)
        return [question(1), question.future(2).result(LONG)]


@streams
async def test_during_the_call_and_after(wire):
    """What the method was given it may call at once, and keep, and call later."""
    impl, seen = PricesImpl(), []
    prices = await wire.refer(Prices, impl)
    await wire.call(prices.watch, "ACME", lambda *price: seen.append(price))
    await impl.listeners[0]("ACME", 2)
    assert seen == [("ACME", 1.0), ("ACME", 2.0)]


@streams
async def test_async_function(wire):
    """A callback may be a coroutine function, and gives a value."""

    async def question(number, *, text="none"):
        await asyncio.sleep(0)
        return [number, text]

    impl = PricesImpl()
    prices = await wire.refer(Prices, impl)
    impl.asking = lambda ask: ask(1)
    assert await wire.call(prices.ask, question) == [1, "none"]


@streams
async def test_same_callable_is_the_same_listener(wire):
    """Given again, by another method, it is found among those that the provider kept."""

    class Screen:
        def show(self, symbol, price): ...

    impl, screen, seen = PricesImpl(), Screen(), []
    prices = await wire.refer(Prices, impl)
    await wire.call(prices.watch, "ACME", screen.show)
    await wire.call(prices.watch, "ACME", lambda *price: seen.append(price))
    assert impl.listeners[0] != impl.listeners[1]
    assert await wire.call(prices.unwatch, listener=screen.show)
    assert not await wire.call(prices.unwatch, listener=screen.show)
    assert len(impl.listeners) == 1


@streams
async def test_object_with_methods(wire):
    """For a Protocol the provider gets an object with its methods; None where that may be."""

    class Screen:
        def on_price(self, symbol, price):
            return int(price) + 40

        def on_close(self): ...

    prices = await wire.refer(Prices, PricesImpl())
    assert await wire.call(prices.listen, Screen()) == 42
    assert await wire.call(prices.listen, None) == 0
    assert await wire.call(prices.listen) == 0


@streams
async def test_from_a_thread(wire):
    """A method that is not async calls back as a blocking call, and may have futures."""
    prices = await wire.refer(Prices, PricesImpl())
    assert await wire.call(prices.in_thread, lambda number: number * 10) == [10, 20]


@streams
async def test_exception_comes_back(wire):
    """The provider catches what the callback raised, as itself."""
    impl = PricesImpl()

    def refuse():
        raise LookupError("no such price")

    async def asking(question):
        with pytest.raises(LookupError, match="no such price"):
            await question()
        return "caught"

    impl.asking = asking
    prices = await wire.refer(Prices, impl)
    assert await wire.call(prices.ask, refuse) == "caught"


@streams
async def test_wrong_values(wire):
    """What can't be called is refused before it is sent, and so are arguments that misfit."""
    impl = PricesImpl()
    prices = await wire.refer(Prices, impl)
    with pytest.raises(facade.InvalidArgument, match=r"'listener': expected a callable .* got int"):
        await wire.call(prices.watch, "ACME", 1)
    with pytest.raises(facade.InvalidArgument, match=r"an object with on_price, on_close .*Screen"):
        await wire.call(prices.listen, type("Screen", (), {"on_price": print})())
    with pytest.raises(facade.InvalidArgument, match="got NoneType"):
        await wire.call(prices.watch, "ACME", None)
    await wire.call(prices.watch, "ACME", lambda symbol, price: None)
    with pytest.raises(facade.InvalidArgument, match="'arg2'"):
        await impl.listeners[0]("ACME", "cheap")


@streams
async def test_callback_that_calls_in_turn(wire):
    """A callback may call the provider that called it: nothing waits for itself."""
    impl = PricesImpl()
    prices = await wire.refer(Prices, impl)
    if wire.blocking:

        def question():
            return prices.tell("thread " + threading.current_thread().name)
    else:

        async def question():
            return await prices.tell("loop")

    answer = await wire.call(prices.ask, question)
    assert answer == "LOOP" if not wire.blocking else answer.startswith("THREAD FACADE-CALLBACK")


@loops
async def test_plain_function_runs_on_the_loop(wire):
    """An asyncio program's own state may be touched by it: it runs where the rest does."""
    here = threading.current_thread()
    prices = await wire.refer(Prices, PricesImpl())
    assert await prices.ask(lambda: threading.current_thread() is here)


@threads
async def test_coroutine_function_of_a_blocking_client(wire):
    """It gets an event loop of its own, in a thread that is not the one of all calls."""
    prices = await wire.refer(Prices, PricesImpl())

    async def question():
        await asyncio.sleep(0)
        return threading.current_thread().name

    assert "facade-callback" in await wire.call(prices.ask, question)


@streams
async def test_context_goes_along(wire):
    """Attachments follow the call back, and what the callback answers with comes back."""
    impl, back = PricesImpl(), {}

    def question():
        facade.RpcContext.response_attachments()["shown"] = "yes"
        service = facade.RpcContext.service()
        return [facade.RpcContext.server_attachments()["trace"], service.side, service.service]

    async def asking(ask):
        answer = await ask()
        back.update(facade.RpcContext.response_attachments())
        return answer

    impl.asking = asking
    prices = await wire.refer(Prices, impl)
    ask = prices.ask.options(attachments={"trace": "7"})
    assert await wire.call(ask, question) == ["7", "provider", "facade.Callback"]
    assert back["shown"] == "yes"


@streams
async def test_time_of_the_request(wire):
    """Within a request its countdown limits the call back; a task that outlives it has its own."""
    impl = PricesImpl()
    released, later = asyncio.Event(), []

    def left():
        return facade.RpcContext.countdown().remaining

    async def asking(ask):
        async def after() -> None:
            await released.wait()
            later.append(await ask.options(timeout=90)())

        impl.task = asyncio.create_task(after())
        return await ask.options(timeout=90)()

    impl.asking = asking
    prices = await wire.refer(Prices, impl)
    assert 0 < await wire.call(prices.ask.options(timeout=30), left) <= 30
    released.set()
    await impl.task
    assert 30 < later[0] <= 90


@streams
async def test_timeout(wire):
    """A callback that takes too long fails like any call."""
    impl, released = PricesImpl(), threading.Event()
    prices = await wire.refer(Prices, impl)

    async def on_loop():
        await asyncio.to_thread(released.wait, LONG)

    async def asking(ask):
        with pytest.raises(facade.DeadlineExceeded, match=r"facade\.Callback\.call"):
            await ask.options(timeout=0.05)()
        released.set()
        return "late"

    impl.asking = asking
    question = (lambda: released.wait(LONG)) if wire.blocking else on_loop
    assert await wire.call(prices.ask, question) == "late"


@loops
async def test_cancelled_by_the_provider(wire):
    """A provider that no longer waits cancels what runs."""
    impl = PricesImpl()
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def question():
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def asking(ask):
        call = ask.future()
        await started.wait()
        call.cancel()
        await cancelled.wait()
        return "cancelled"

    impl.asking = asking
    prices = await wire.refer(Prices, impl)
    assert await prices.ask(question) == "cancelled"


@pytest.mark.parametrize("wire", ["unary"], indirect=True)
async def test_unary_calls_have_no_callbacks(wire):
    """Without a stream they are refused before anything is sent; None goes."""
    impl = PricesImpl()
    prices = await wire.refer(Prices, impl)
    reason = r"listener .*no stream to be called back on"
    with pytest.raises(facade.InvalidArgument, match=reason) as raised:
        await prices.watch("ACME", print)
    assert raised.value.sent is facade.Sent.NOT_SENT
    assert await prices.listen(None) == 0
