"""Futures: how they are cancelled, and what the filters of their calls find."""

import asyncio

import pytest

import facade
from facade import RpcContext


@facade.service("futures.Desk")
class Desk:
    async def wait(self) -> None: ...
    async def echo(self, text: str) -> str: ...


class DeskImpl(Desk):
    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.was_cancelled = asyncio.Event()

    async def wait(self) -> None:
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled.set()
            raise

    async def echo(self, text: str) -> str:
        return text


@pytest.mark.behaviour("B4.37")
async def test_cancelling_a_future_cancels_the_call(wire):
    """A future that is cancelled takes its call with it, and the provider's method."""
    impl = DeskImpl()
    desk = await wire.refer(Desk, impl)
    future = await wire.do(desk.wait.future)
    await asyncio.wait_for(impl.started.wait(), 20)
    assert future.cancel()
    await asyncio.wait_for(impl.was_cancelled.wait(), 20)
    assert future.cancelled()


class Look(facade.Filter):
    """Notes what it finds in its context."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[object, object]]] = []

    async def invoke(self, invoker, invocation):
        self.seen.append((RpcContext.service().method, dict(RpcContext.values())))
        return await invoker.invoke(invocation)


@pytest.mark.behaviour("B2.31")
async def test_filter_finds_its_caller_s_context(wire):
    """Wherever its chain runs, a consumer's filter finds the call and the caller's notes."""
    look = Look()
    server = await wire.provide((Desk, DeskImpl()))
    desk = wire.connect(server, filters=["default", look]).refer(Desk)

    def start():
        RpcContext.values()["mine"] = 1
        return desk.echo.future("a")

    assert await wire.value(await wire.do(start)) == "a"
    assert await wire.call(desk.echo, "b") == "b"
    assert look.seen == [("echo", {"mine": 1})] * 2
