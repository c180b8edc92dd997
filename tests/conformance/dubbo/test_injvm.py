"""Calls within the process. What every wire does, "injvm" does in tests/conformance."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

import facade
from facade import RpcContext
from facade.core import TimeoutCountDown
from facade.exchange.injvm import exported
from facade.testing import invocation

LONG = 20.0
local = contextvars.ContextVar("local", default="unset")


@dataclass
class Basket:
    items: list[str] = field(default_factory=list)


@facade.service("injvm.Shop", version="1.0")
class Shop:
    async def add(self, basket: Basket, item: str) -> Basket | None: ...

    async def look(self) -> dict[str, str]: ...

    async def work(self) -> str: ...

    def where(self) -> str: ...


class ShopImpl(Shop):
    """``work`` ends once it is released."""

    def __init__(self, name: str = "shop") -> None:
        self.name = name
        self.seen: list[object] = []
        self.started = asyncio.Event()
        self.released = asyncio.Event()
        self.ended = asyncio.Event()

    async def add(self, basket: Basket, item: str) -> Basket | None:
        self.seen += [basket, item]
        basket.items.append(item)
        return basket

    async def look(self) -> dict[str, str]:
        service = RpcContext.service()
        RpcContext.client_attachments()["of"] = "the method"
        RpcContext.response_attachments()["back"] = "yes"
        local.set("set by the method")
        return {
            "name": self.name,
            "remote": service.remote_address,
            "application": service.remote_application,
            "local": local.get(),
            **{k: str(v) for k, v in RpcContext.server_attachments().items()},
        }

    async def work(self) -> str:
        self.started.set()
        await self.released.wait()
        self.ended.set()
        return "done"

    def where(self) -> str:
        return threading.current_thread().name


@pytest.fixture
async def impl():
    return ShopImpl()


@pytest.fixture
async def server(impl):
    server = facade.Server("injvm")
    server.export(Shop, impl)
    async with server:
        yield server


@pytest.fixture
async def client(server):
    async with facade.AsyncClient("injvm", timeout=LONG, application="till") as client:
        yield client


# What a call sees


@pytest.mark.behaviour("B8.22")
async def test_values_are_copies(impl, client):
    """Neither end sees the other's objects; nothing is nothing."""
    basket = Basket(["tea"])
    back = await client.refer(Shop).add(basket, "milk")
    assert basket == Basket(["tea"])
    assert back == Basket(["tea", "milk"])
    assert back is not impl.seen[0]
    assert impl.seen[0] is not basket


@pytest.mark.behaviour("B8.22")
async def test_values_are_checked(client):
    """What would be refused over a network is refused here."""
    with pytest.raises(facade.InvalidArgument, match="'item'"):
        await client.generic("injvm.Shop", version="1.0").invoke("add", {"items": []}, 5)


@pytest.mark.behaviour("B8.22")
async def test_caller_s_surroundings_stay_his(client):
    """The method sees what was attached to the call, and nothing else; the caller's own context
    is as it was."""
    local.set("set by the caller")
    RpcContext.client_attachments()["trace"] = "7"
    RpcContext.values()["mine"] = 1
    shown = await client.refer(Shop).look()
    assert shown == {
        "name": "shop",
        "remote": "injvm",
        "application": "till",
        "local": "set by the method",
        "trace": "7",
    }
    assert local.get() == "set by the caller"
    assert RpcContext.client_attachments() == {}
    assert RpcContext.values() == {"mine": 1}
    assert RpcContext.response_attachments() == {"back": "yes"}


@pytest.mark.behaviour("B8.22")
async def test_method_that_calls_within_the_process(client):
    """A hop has a context of its own; what came in goes on, and the outer call's is put back."""

    class Outer(ShopImpl):
        async def look(self) -> dict[str, str]:
            before = RpcContext.service().method, dict(RpcContext.server_attachments())
            inner = await client.refer(Shop).look()
            assert (RpcContext.service().method, dict(RpcContext.server_attachments())) == before
            assert RpcContext.client_attachments() == {}
            return inner

    outer = facade.Server("injvm:outer")
    outer.export(Shop, Outer())
    async with outer, facade.AsyncClient("injvm:outer", timeout=LONG) as first:
        shown = await facade.bound(first.refer(Shop).look).options(attachments={"trace": "7"})()
    assert shown["trace"] == "7"
    assert shown["application"] == "till"


@pytest.mark.behaviour("B8.22")
async def test_chains_of_both_ends_run(impl):
    """The consumer's, then the provider's, then the method; and back."""
    log = []

    class Note(facade.Filter):
        def __init__(self, name):
            self.name = name

        async def invoke(self, invoker, invocation):
            log.append(self.name)
            result = await invoker.invoke(invocation)
            log.append(f"{self.name} after")
            return result

    server = facade.Server("injvm:chains", filters=[Note("provider")])
    server.export(Shop, impl)
    async with server, facade.AsyncClient("injvm:chains", filters=[Note("consumer")]) as client:
        await facade.bound(client.refer(Shop).look).options(timeout=LONG)()
    assert log == ["consumer", "provider", "provider after", "consumer after"]


async def test_plain_methods_run_in_the_server_s_threads(client):
    """A ``def`` blocks nobody's loop."""
    assert (await client.refer(Shop).where()).startswith("facade-method")


# Time


@pytest.mark.behaviour("B8.22")
async def test_timeout_is_enforced(impl, client):
    """Our decision: no call outlasts its time, where Dubbo lets a synchronous one run on. The
    method goes on, as everywhere."""
    work = facade.bound(client.refer(Shop).work).options(timeout=0.02)
    while not impl.started.is_set():  # else it was late before it was started
        with pytest.raises(facade.DeadlineExceeded) as raised:
            await work()
    assert str(raised.value).startswith("Waiting server-side response timeout")
    impl.released.set()
    await impl.ended.wait()


@pytest.mark.behaviour("B8.22", "B5.14", "B5.15")
async def test_nothing_left(impl, client):
    """A call without any time left ends with TIMEOUT_TERMINATE, and is not made."""
    call = invocation("look", interface=Shop, countdown=TimeoutCountDown(0.0))
    shop = client.refer(Shop)
    call.codec = facade.bound(shop.look)._codec
    error = (await client._wire.end.invoke(call)).exception
    assert isinstance(error, facade.DeadlineExceeded)
    assert str(error).startswith("No time left for making the following call: injvm.Shop:1.0.look")
    assert (error.code, error.sent) == (facade.Code.TIMEOUT_TERMINATE, facade.Sent.NOT_SENT)


@pytest.mark.behaviour("B8.23")
async def test_asynchronous_call(impl, client):
    """A future is given at once, holds the value later, and is the context's."""
    future = facade.bound(client.refer(Shop).work).future()
    assert RpcContext.future() is future
    await impl.started.wait()
    assert not future.done()
    impl.released.set()
    assert await future == "done"


# Threads


async def test_blocking_client_calls_within_the_process(impl, server):
    """Its ``async def`` methods run on the loop on which the server was started."""

    class Where(ShopImpl):
        async def look(self) -> dict[str, str]:
            return {"thread": threading.current_thread().name}

    server.export(Shop, Where(), group="where")

    def use() -> tuple[str, str]:
        with facade.Client("injvm", timeout=LONG) as client:
            client.ready()
            look = client.refer(Shop, group="where").look
            return look()["thread"], look.future().result(LONG)["thread"]

    here = threading.current_thread().name
    assert await asyncio.to_thread(use) == (here, here)


async def test_blocking_client_whose_time_is_up(impl, server):
    """It waits no longer than it may, though the call is made on another loop."""

    def use() -> None:
        with facade.Client("injvm", timeout=0.1) as client:
            client.refer(Shop).work()

    while not impl.started.is_set():  # else it was late before it was started
        with pytest.raises(facade.DeadlineExceeded):
            await asyncio.to_thread(use)
    impl.released.set()
    await impl.ended.wait()


async def test_server_whose_loop_is_closed():
    """A server that nobody stopped, in a loop that is gone: the call fails at once."""

    async def start() -> facade.Server:
        server = facade.Server("injvm:gone")
        server.export(Shop, ShopImpl())
        await server.start()
        return server

    server = await asyncio.to_thread(asyncio.run, start())
    try:
        async with facade.AsyncClient("injvm:gone", timeout=LONG) as client:
            with pytest.raises(facade.Unavailable, match="event loop of the server"):
                await client.refer(Shop).look()
    finally:
        for exporter in server.exporters:
            exporter.unexport()


@pytest.mark.parametrize("streams", [False, True])
async def test_server_whose_loop_ends_while_it_answers(streams):
    """Who waits is told at which end it was, and that the call may have run."""
    begun, ready = threading.Event(), threading.Event()

    @facade.service("injvm.Slow")
    class Slow:
        async def work(self) -> str: ...
        async def join(self, words: AsyncIterator[str]) -> str: ...

    class SlowImpl(Slow):
        async def work(self) -> str:
            begun.set()
            await asyncio.Event().wait()
            return ""

        async def join(self, words: AsyncIterator[str]) -> str:
            return await self.work()

    async def serve() -> facade.Server:
        server = facade.Server("injvm:ending")
        server.export(Slow, SlowImpl())
        await server.start()
        ready.set()
        await asyncio.to_thread(begun.wait, LONG)
        return server

    async def words() -> AsyncIterator[str]:
        yield "a"

    serving = asyncio.create_task(asyncio.to_thread(asyncio.run, serve()))
    await asyncio.to_thread(ready.wait, LONG)
    async with facade.AsyncClient("injvm:ending", timeout=LONG) as client:
        slow = client.refer(Slow)
        # The end of a loop cancels what serves the call, and the method, in any order.
        with pytest.raises(facade.RpcError, match=r"of its server ended|at the provider") as caught:
            await (slow.join(words()) if streams else slow.work())
    assert caught.value.sent is facade.Sent.MAYBE_EXECUTED
    for exporter in (await serving).exporters:
        exporter.unexport()


async def test_server_that_stops_as_it_is_called(monkeypatch):
    """Who has found it just before learns that it stops."""
    server = facade.Server("injvm:stops")
    server.export(Shop, ShopImpl())
    async with server, facade.AsyncClient("injvm:stops", timeout=LONG) as client:
        shop = client.refer(Shop)
        await shop.look()
        (found,) = exported.at("injvm:stops")
        await server.stop()
        monkeypatch.setattr(exported, "find", lambda *_: found)
        with pytest.raises(facade.Unavailable, match="the provider stops"):
            await shop.look()


# The end


async def test_close_gives_up_what_outlasts_its_grace(impl, client):
    """Who waits is told, and the method is cancelled."""
    call = facade.bound(client.refer(Shop).work).future()
    await impl.started.wait()
    await client.close(grace=0.02)
    with pytest.raises(facade.Unavailable, match="the consumer closes"):
        await call


async def test_messages_have_no_limit(impl):
    """Our decision: max_message_size is about messages, and there are none."""
    server = facade.Server("injvm:large", max_message_size=1000)
    server.export(Shop, impl)
    async with server, facade.AsyncClient("injvm:large", timeout=LONG, max_message_size=1000) as c:
        back = await c.refer(Shop).add(Basket(), "x" * 5000)
    assert back == Basket(["x" * 5000])
