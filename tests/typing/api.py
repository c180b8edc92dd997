# mypy: disable-error-code="empty-body"
"""What users write, as a type checker sees it. It is checked and never run.

Each ``type: ignore`` is a mistake that a checker must find: an unused one is an error.
"""

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol, assert_type

import facade
from facade.testing import FakeInvoker, connected, invocation


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


@facade.service("demo.Greeter", version="1.0.0")
class WaitingGreeter:
    """For clients that wait."""

    def hello(self, name: str) -> str: ...

    def log(self, line: str) -> None: ...


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
    server.export(Greeter, InThreads(), group="threads", version="2.0.0")
    exporter.unexport()
    async with server:
        assert_type(server.port, int)
        await server.wait()
    server.export("demo.Greeter", GreeterImpl())  # type: ignore[arg-type]


def provide_until_signalled() -> None:
    facade.Server("0.0.0.0:50051").run()


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
    hello.future(1)  # type: ignore[arg-type]
    hello.options(timeout="long")  # type: ignore[arg-type]
    answer: Any = await client.generic("demo.Greeter", version="1.0.0").invoke("hello", "Ann")
    print(answer)


def consume_and_wait() -> None:
    with facade.Client("localhost:50051", timeout=1.0) as client:
        assert_type(client, facade.Client)
        greeter = client.refer(WaitingGreeter)
        assert_type(greeter.hello("Ann"), str)
        hello = facade.bound(greeter.hello)
        assert_type(hello.future("Ann"), concurrent.futures.Future[str])
        assert_type(hello.options(timeout=0.5)("Ann"), str)
        hello.oneway("Ann")
        client.ready(timeout=1.0)


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


# Tests of users


async def try_out() -> None:
    result = await Measure().invoke(FakeInvoker("value"), invocation("hello", "Ann"))
    assert_type(result, facade.Result)
    async with connected((Greeter, GreeterImpl()), filters=[Measure()]) as client:
        greeting: Awaitable[str] = client.refer(Greeter).hello("Ann")
        print(await greeting)
