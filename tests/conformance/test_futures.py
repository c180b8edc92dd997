"""``.future`` starts a call and gives its future at once."""

import asyncio
import concurrent.futures

import pytest

import facade


@facade.service("futures.Greeter")
class Greeter:
    async def hello(self, name: str) -> str: ...

    async def fail(self, text: str) -> None: ...


class GreeterImpl(Greeter):
    """Answers once it is released."""

    def __init__(self) -> None:
        self.started = asyncio.Semaphore(0)
        self.released = asyncio.Event()

    async def hello(self, name: str) -> str:
        self.started.release()
        await self.released.wait()
        return f"Hello {name}"

    async def fail(self, text: str) -> None:
        raise ValueError(text)


async def test_future_gives_the_value(wire):
    """The future is there before the answer, and then gives the value."""
    impl = GreeterImpl()
    greeter = await wire.refer(Greeter, impl)
    future = await wire.do(greeter.hello.future, "Ann")
    await impl.started.acquire()
    assert not future.done()
    impl.released.set()
    assert await wire.value(future) == "Hello Ann"


async def test_future_is_of_the_client_s_kind(wire):
    """asyncio's of AsyncClient, that of concurrent.futures of Client."""
    impl = GreeterImpl()
    impl.released.set()
    greeter = await wire.refer(Greeter, impl)
    future = await wire.do(greeter.hello.future, "Ann")
    assert isinstance(future, concurrent.futures.Future if wire.blocking else asyncio.Future)
    await wire.value(future)


async def test_future_raises_what_the_method_raised(wire):
    """The exception comes out of the future, as itself."""
    greeter = await wire.refer(Greeter, GreeterImpl())
    future = await wire.do(greeter.fail.future, "no")
    with pytest.raises(ValueError, match="no"):
        await wire.value(future)


async def test_futures_run_at_the_same_time(wire):
    """One caller has several calls under way."""
    impl = GreeterImpl()
    greeter = await wire.refer(Greeter, impl)
    futures = [await wire.do(greeter.hello.future, name) for name in ("Ann", "Bob", "Cid")]
    for _ in futures:
        await impl.started.acquire()
    impl.released.set()
    values = [await wire.value(future) for future in futures]
    assert values == ["Hello Ann", "Hello Bob", "Hello Cid"]


async def test_future_runs_though_nobody_keeps_it(wire):
    """The call goes on when the caller drops its future."""
    impl = GreeterImpl()
    greeter = await wire.refer(Greeter, impl)
    await wire.do(greeter.hello.future, "Ann")
    await impl.started.acquire()
    impl.released.set()
    assert await wire.call(greeter.hello, "Bob") == "Hello Bob"


async def test_context_has_the_last_future(wire):
    """``RpcContext.future()`` is that of the last ``.future`` call made there."""
    impl = GreeterImpl()
    impl.released.set()
    greeter = await wire.refer(Greeter, impl)
    first = await wire.do(greeter.hello.future, "Ann")
    assert await wire.do(facade.RpcContext.future) is first
    second = await wire.do(greeter.hello.future, "Bob")
    found = await wire.do(facade.RpcContext.future)
    assert found is second
    assert [await wire.value(future) for future in (first, found)] == ["Hello Ann", "Hello Bob"]


async def test_future_with_options(wire):
    """Options go before ``.future``."""

    class Curious(GreeterImpl):
        async def hello(self, name: str) -> str:
            return f"{facade.RpcContext.server_attachments()['title']} {name}"

    greeter = await wire.refer(Greeter, Curious())
    method = greeter.hello.options(attachments={"title": "Dr"})
    future = await wire.do(method.future, "Ann")
    assert await wire.value(future) == "Dr Ann"


async def test_future_takes_the_context_when_it_is_made(wire):
    """Attachments go with the call for which they were set, not with one that starts later."""

    class Curious(GreeterImpl):
        async def hello(self, name: str) -> str:
            return str(facade.RpcContext.server_attachments().get("for"))

    greeter = await wire.refer(Greeter, Curious())

    def make():
        facade.RpcContext.client_attachments()["for"] = "first"
        first = greeter.hello.future("")
        facade.RpcContext.client_attachments()["for"] = "second"
        return first, greeter.hello.future("")

    first, second = await wire.do(make)
    assert [await wire.value(first), await wire.value(second)] == ["first", "second"]
