# mypy: disable-error-code="empty-body"
"""What users write, as a type checker sees it. It is checked and never run.

Each ``type: ignore`` is a mistake that a checker must find: an unused one is an error.
"""

import asyncio
import concurrent.futures
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
)
from dataclasses import dataclass
from typing import Any, Protocol, assert_type

import facade
from facade.testing import FakeInvoker, connected, connected_blocking, invocation, serving


@dataclass
class Order:
    item: str
    count: int = 1


# Interfaces


@facade.service("demo.Greeter", version="1.0.0")
class Greeter:
    async def hello(self, name: str) -> str: ...

    @facade.method(timeout=0.2, idempotent=True)
    async def buy(self, order: Order, *, gift: bool = False) -> list[Order]: ...

    @facade.method(oneway=True)
    async def log(self, line: str) -> None: ...

    @facade.method
    async def plain(self) -> int: ...

    @facade.method(oneway=True, sent=True)
    async def keep(self, line: str) -> None: ...

    def soon(self, name: str) -> asyncio.Future[str]: ...


@facade.service("demo.Greeter", version="1.0.0")
class WaitingGreeter:
    """For clients that wait."""

    def hello(self, name: str) -> str: ...

    def log(self, line: str) -> None: ...

    def soon(self, name: str) -> concurrent.futures.Future[str]: ...


facade.service("demo.Wrong", timeout="soon")  # type: ignore[arg-type]


# The provider


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        context = facade.RpcContext.service()
        return f"Hello {name}, from {context.remote_address}"

    async def buy(self, order: Order, *, gift: bool = False) -> list[Order]:
        return [order]


class InThreads:
    """Not derived from the interface, and not async."""

    def hello(self, name: str) -> str:
        return name


async def provide() -> None:
    server = facade.Server("127.0.0.1:0", filters=["default", Measure()], grace=5.0)
    exporter = server.export(Greeter, GreeterImpl(), timeout=2.0)
    server.export(Greeter, InThreads(), group="threads", version="2.0.0", timeouts={"buy": 0.5})
    exporter.unexport()
    async with server:
        assert_type(server.port, int)
        assert_type(server.oneway_failures, int)
        await server.wait()
    server.export("demo.Greeter", GreeterImpl())  # type: ignore[arg-type]


class Told(facade.ExporterListener):
    def exported(self, exporter: facade.Exporter) -> None:
        assert_type(exporter.service.key, str)


async def provide_within_the_process() -> None:
    server = facade.Server("injvm", listeners=[Told()], filter_settings={"token": "x"})
    server.export(Greeter, GreeterImpl(), scope="local", filters=["-timeout", Measure()])
    server.export(Greeter, GreeterImpl(), scope="near")  # type: ignore[arg-type]
    facade.Server(listeners=[Watch()])  # type: ignore[list-item]


def provide_until_signalled() -> None:
    facade.Server("0.0.0.0:50051").run()


# Streams


@facade.service("demo.Ticker")
class Ticker:
    def prices(self, symbol: str) -> AsyncIterator[float]: ...

    async def total(self, numbers: AsyncIterable[int]) -> int: ...

    def shout(self, words: AsyncIterable[str]) -> AsyncIterator[str]: ...


@facade.service("demo.Ticker")
class WaitingTicker:
    """For clients that wait."""

    def prices(self, symbol: str) -> Iterator[float]: ...

    def total(self, numbers: Iterable[int]) -> int: ...


class TickerImpl(Ticker):
    async def prices(self, symbol: str) -> AsyncIterator[float]:
        yield 1.5

    async def total(self, numbers: AsyncIterable[int]) -> int:
        return sum([number async for number in numbers])

    async def shout(self, words: AsyncIterable[str]) -> AsyncIterator[str]:
        async for word in words:
            yield word.upper()


async def stream(client: facade.AsyncClient) -> None:
    ticker = client.refer(Ticker)
    async for price in ticker.prices("ACME"):
        assert_type(price, float)
    async for word in ticker.shout(words()):
        assert_type(word, str)
    await ticker.total(words())  # type: ignore[arg-type]


async def words() -> AsyncIterator[str]:
    yield "one"


def wait_for_a_stream(client: facade.Client) -> None:
    ticker = client.refer(WaitingTicker)
    assert_type(list(ticker.prices("ACME")), list[float])
    assert_type(ticker.total([1, 2, 3]), int)


# Callbacks


@facade.service("demo.Prices")
class Prices:
    async def watch(self, symbol: str, listener: Callable[[str, float], None]) -> None: ...

    async def ask(self, question: Callable[[int], Awaitable[str]]) -> str: ...

    async def listen(self, listener: "PriceListener | None" = None) -> None: ...


class PriceListener(Protocol):
    async def on_price(self, symbol: str, price: float) -> None: ...


class PricesImpl(Prices):
    async def watch(self, symbol: str, listener: Callable[[str, float], None]) -> None:
        on_price = facade.callback(listener)
        await on_price(symbol, 1.5)
        await on_price.options(timeout=0.5).oneway(symbol, 1.5)
        assert_type(on_price.available, bool)
        on_price.on_close(print)
        await on_price(1.5, symbol)  # type: ignore[arg-type]

    async def ask(self, question: Callable[[int], Awaitable[str]]) -> str:
        assert_type(await facade.callback(question)(1), str)
        return await question(1)

    async def listen(self, listener: PriceListener | None = None) -> None:
        if listener is not None:
            await listener.on_price("ACME", 1.5)


class Screen:
    async def on_price(self, symbol: str, price: float) -> None: ...


async def watch(client: facade.AsyncClient) -> None:
    prices = client.refer(Prices)
    await prices.watch("ACME", print)
    await prices.listen(Screen())
    assert_type(client.release(print), bool)
    await prices.watch("ACME", 1)  # type: ignore[arg-type]
    await prices.listen(print)  # type: ignore[arg-type]


# Consumers


async def consume() -> None:
    async with facade.AsyncClient("localhost:50051", timeout=1.0, propagate=None) as client:
        assert_type(client, facade.AsyncClient)
        greeter = client.refer(Greeter, group="a", version="2.0.0", timeout=3.0)
        assert_type(greeter, Greeter)
        assert_type(await greeter.hello("Ann"), str)
        assert_type(await greeter.buy(Order("tea"), gift=True), list[Order])
        assert_type(await greeter.plain(), int)
        await greeter.hello(1)  # type: ignore[arg-type]
        await greeter.helo("Ann")  # type: ignore[attr-defined]
        await greeter.buy(Order("tea"), True)  # type: ignore[call-arg]
        await client.ready(timeout=1.0)
        client.refer(Greeter, timeouts={"buy": 0.5})
        client.refer(Greeter, timeouts={"buy": "soon"})  # type: ignore[dict-item]
        description = await client.describe("demo.Greeter", version="1.0.0")
        assert_type(description, facade.ProviderDescription)
        assert_type(description.services[0].methods["buy"].timeout, float | None)
        assert_type(client.late_results, int)


async def consume_in_other_ways(client: facade.AsyncClient) -> None:
    greeter = client.refer(Greeter)
    hello = facade.bound(greeter.hello)
    assert_type(hello.future("Ann"), asyncio.Future[str])
    assert_type(await hello("Ann"), str)
    assert_type(await hello.options(timeout=0.5, attachments={"a": "1"})("Ann"), str)
    await hello.oneway("Ann")
    assert_type(
        facade.bound(client.refer(Greeter).buy).future(Order("tea")), asyncio.Future[list[Order]]
    )
    kept = hello.options(timeout=0.5, oneway=False, sent=True).options(attachments={"a": b"1"})
    assert_type(kept.future("Ann"), asyncio.Future[str])
    await kept.options(mode=facade.InvokeMode.ASYNC)("Ann")
    soon = facade.bound(greeter.soon)
    assert_type(greeter.soon("Ann"), asyncio.Future[str])
    assert_type(soon.options(timeout=0.5)("Ann"), asyncio.Future[str])
    assert_type(soon.future("Ann"), asyncio.Future[str])
    assert_type(client.refer(Greeter, mode=facade.InvokeMode.ASYNC), Greeter)
    assert_type(client.available, bool)
    assert_type(facade.RpcContext.async_call(lambda: greeter.hello("Ann")), asyncio.Future[str])
    await facade.RpcContext.oneway_call(lambda: greeter.hello("Ann"))
    hello.options(mode="async")  # type: ignore[arg-type]
    hello.future(1)  # type: ignore[arg-type]
    hello.options(timeout="long")  # type: ignore[arg-type]
    answer: Any = await client.generic("demo.Greeter", version="1.0.0").invoke("hello", "Ann")
    print(answer)


class Watch(facade.InvokerListener):
    def referred(self, reference: facade.Reference) -> None:
        assert_type(reference.invoker, facade.Invoker)


class GreeterStub(Greeter):
    def __init__(self, remote: Greeter) -> None:
        self.remote = remote


async def consume_within_the_process() -> None:
    async with facade.AsyncClient("injvm", listeners=[Watch()]) as client:
        assert_type(client.refer(Greeter, stub=GreeterStub), Greeter)
        client.refer(WaitingGreeter, stub=GreeterStub)  # type: ignore[arg-type]


def consume_and_wait() -> None:
    with facade.Client("localhost:50051", timeout=1.0) as client:
        assert_type(client, facade.Client)
        greeter = client.refer(WaitingGreeter)
        assert_type(greeter.hello("Ann"), str)
        hello = facade.bound(greeter.hello)
        assert_type(hello.future("Ann"), concurrent.futures.Future[str])
        assert_type(hello.options(timeout=0.5)("Ann"), str)
        hello.oneway("Ann")
        kept = hello.options(sent=True).options(mode=facade.InvokeMode.SYNC)
        assert_type(kept.future("Ann"), concurrent.futures.Future[str])
        soon = facade.bound(greeter.soon).options(timeout=0.5)
        assert_type(soon("Ann"), concurrent.futures.Future[str])
        called = facade.RpcContext.async_call(lambda: greeter.hello("Ann"))
        assert_type(called, concurrent.futures.Future[str])
        facade.RpcContext.oneway_call(lambda: greeter.hello("Ann"))
        client.ready(timeout=1.0)
        assert_type(client.describe(), facade.ProviderDescription)
        assert_type(client.late_results, int)


# Filters


class Measure(facade.Filter):
    async def invoke(self, invoker: facade.Invoker, invocation: facade.Invocation) -> facade.Result:
        invocation.attachments["tag"] = b"blue"
        invocation.attributes["start"] = 1.0
        assert_type(invocation.timeout, float | None)
        result = await invoker.invoke(invocation)
        assert_type(result.exception, BaseException | None)
        return result


@facade.activate(group="provider", order=-5)
class Listen(facade.Filter):
    def on_response(
        self, result: facade.Result, invoker: facade.Invoker, invocation: facade.Invocation
    ) -> None:
        print(invocation, result.expired)

    def on_error(
        self, error: BaseException, invoker: facade.Invoker, invocation: facade.Invocation
    ) -> None:
        print(invocation, error)


class Remember(facade.Filter):
    @classmethod
    def configure(cls, settings: Mapping[str, Any]) -> "Remember":
        return cls()

    async def invoke(self, invoker: facade.Invoker, invocation: facade.Invocation) -> facade.Result:
        return facade.Result("known", attachments={"from": "memory"})


facade.AsyncClient("localhost:50051", filters=["default", "-timeout", Measure(), Listen()])
facade.AsyncClient("localhost:50051", filters=[Measure])  # type: ignore[list-item]


# Errors


@facade.error("demo.OutOfStock")
class OutOfStock(Exception):
    def __init__(self, item: str) -> None:
        super().__init__(item)
        self.item = item


async def handle(greeter: Greeter) -> None:
    try:
        await greeter.hello("Ann")
    except OutOfStock as error:
        assert_type(error.item, str)
    except facade.DeadlineExceeded as error:
        timeout: TimeoutError = error
        print(timeout)
    except facade.InvalidArgument as error:
        misfit: TypeError = error
        print(misfit)
    except facade.RemoteError as error:
        print(error.type)
    except (facade.Unavailable, facade.Unimplemented, facade.LimitExceeded) as error:
        assert_type(error.sent, facade.Sent)
    except facade.RpcError as error:
        assert_type(error.code, facade.Code)
        assert_type(error.status, facade.Status)
        assert_type(error.remote, bool)


# Context


def look_around() -> None:
    context = facade.RpcContext
    context.client_attachments()["trace-id"] = "4bf9"
    context.client_attachments()["key"] = b"\x00"
    context.client_attachments()["count"] = 1  # type: ignore[assignment]
    assert_type(context.server_attachments(), Mapping[str, str | bytes])
    context.server_attachments()["a"] = "1"  # type: ignore[index]
    assert_type(context.response_attachments(), MutableMapping[str, str | bytes])
    context.values()["user"] = object()
    assert_type(context.service().remote_address, str)
    countdown = context.countdown()
    assert_type(countdown, facade.TimeoutCountDown | None)
    if countdown is not None:
        assert_type(countdown.remaining, float)
    assert_type(context.capture().run(len, "abc"), int)
    assert_type(context.is_async_started(), bool)
    later = context.start_async()
    assert_type(later, facade.AsyncContext)
    later.signal_context_switch()
    later.write("value")
    later.reset_context()
    assert_type(later.stop(), bool)


# Tests of users


async def try_out() -> None:
    result = await Measure().invoke(FakeInvoker("value"), invocation("hello", "Ann"))
    assert_type(result, facade.Result)
    with serving(invocation("hello", "Ann")) as request:
        assert_type(request.response_attachments, dict[str, str | bytes])
    with connected_blocking((Greeter, GreeterImpl())) as blocking:
        assert_type(blocking, facade.Client)
    async with connected((Greeter, GreeterImpl()), filters=[Measure()]) as client:
        greeting: Awaitable[str] = client.refer(Greeter).hello("Ann")
        print(await greeting)
