"""The provider's ``context`` filter: the surroundings of a method. (Dubbo: ContextFilter)"""

import asyncio
import contextlib

import pytest

import facade
from facade import RpcContext
from facade.core.context import current_request
from facade.filters.context import Context
from facade.testing import FakeInvoker, invocation

# What never reaches a method, by Dubbo's names. (ContextFilter#UNLOADING_KEYS)
UNLOADING = (
    "path",
    "interface",
    "group",
    "version",
    "dubbo",
    "token",
    "timeout",
    "_TO",
    "async",
    "dubbo.tag",
    "dubbo.force.tag",
)


@facade.service("dubbo.context.Shop")
class Shop:
    async def buy(self, item: str) -> dict[str, str]: ...

    async def peek(self) -> list[str]: ...

    async def fail(self) -> None: ...


class ShopImpl(Shop):
    """``buy`` gives what it was called with; each method leaves a note and sends a receipt."""

    async def buy(self, item: str) -> dict[str, str]:
        RpcContext.response_attachments()["receipt"] = item
        RpcContext.values()["bought"] = item
        return {k: str(v) for k, v in RpcContext.server_attachments().items()}

    async def peek(self) -> list[str]:
        return [*RpcContext.values(), *RpcContext.server_attachments()]

    async def fail(self) -> None:
        RpcContext.response_attachments()["receipt"] = "none"
        raise ValueError("no")


class Hop(ShopImpl):
    """Asks another shop, and then does as it does."""

    def __init__(self, next: Shop) -> None:
        self.next = next

    async def buy(self, item: str) -> dict[str, str]:
        RpcContext.response_attachments()["hop"] = "here"
        await self.next.buy(f"half of {item}")
        return await super().buy(item)


async def shops(wire):
    """A shop that asks another one."""
    end = await wire.provide((Shop, ShopImpl()))
    return await wire.refer(Shop, Hop(wire.hop(end).refer(Shop)))


def attach(**attachments):
    RpcContext.client_attachments().update(attachments)


def came_back():
    return dict(RpcContext.response_attachments())


@pytest.mark.behaviour("B3.7")
@pytest.mark.parametrize("name", UNLOADING)
async def test_reserved_names_are_unloaded(name) -> None:
    """An attachment that steers the call is not among those that the method sees.

    Filters still find it in the invocation: a token, say, is theirs to check.
    """
    seen = []
    call = invocation("buy", attachments={name: "x", "trace": "1"})
    invoker = FakeInvoker(function=lambda _: seen.append(dict(RpcContext.server_attachments())))
    await Context().invoke(invoker, call)
    assert seen == [{"trace": "1"}]
    assert invoker.invocations[0].attachments == {name: "x", "trace": "1"}


@pytest.mark.behaviour("B3.7")
async def test_reserved_names_do_not_leak_downstream(wire) -> None:
    """Neither the method nor the next hop gets a token that was meant for this one."""
    seen = []

    class Seen(facade.Filter):
        async def invoke(self, invoker, invocation):
            seen.append(set(invocation.attachments))
            return await invoker.invoke(invocation)

    end = await wire.provide((Shop, ShopImpl()), filters=["default", Seen()])
    shop = await wire.refer(Shop, Hop(wire.hop(end).refer(Shop)))
    await wire.do(attach, **{"token": "secret", "dubbo.tag": "blue", "trace": "1"})
    assert await wire.call(shop.buy, "tea") == {"trace": "1"}
    assert "trace" in seen[0]
    assert not seen[0] & {"token", "dubbo.tag"}


@pytest.mark.behaviour("B3.8", "B4.2")
async def test_service_context_is_filled(wire) -> None:
    """A method finds its own call: service, method, arguments, who calls and from where."""
    seen = []

    class Telling(ShopImpl):
        async def buy(self, item: str) -> dict[str, str]:
            seen.append(RpcContext.service())
            return {}

    server = await wire.provide((Shop, Telling()))
    shop = wire.connect(server, application="front").refer(Shop)
    await wire.call(shop.buy, "tea")
    service = seen[0]
    assert (service.side, service.service) == ("provider", "dubbo.context.Shop")
    assert (service.method, service.arguments) == ("buy", ("tea",))
    assert service.remote_application == "front"
    assert service.remote_address


@pytest.mark.behaviour("B3.9", "B5.11")
async def test_countdown_is_the_one_that_started_at_receipt(wire) -> None:
    """The time that the call brought is counted down from when it came in, before any filter."""
    seen = []

    class First(facade.Filter):
        async def invoke(self, invoker, invocation):
            seen.append(invocation.countdown)
            return await invoker.invoke(invocation)

    class Telling(ShopImpl):
        async def peek(self) -> list[str]:
            seen.append(RpcContext.countdown())
            return []

    server = await wire.provide((Shop, Telling()), filters=[First(), "default"])
    shop = wire.connect(server).refer(Shop)
    await wire.call(shop.peek.options(timeout=300))
    outermost, innermost = seen
    assert outermost is innermost
    assert 0 < outermost.remaining < outermost.timeout <= 300


@pytest.mark.behaviour("B3.9")
async def test_no_countdown_without_a_limit() -> None:
    """A call that brought no time has no countdown, and none is made up."""
    seen = []
    await Context().invoke(
        FakeInvoker(function=lambda _: seen.append(RpcContext.countdown())), invocation("buy")
    )
    assert seen == [None]


@pytest.mark.behaviour("B3.10")
async def test_attachments_of_outer_filters_are_kept(wire) -> None:
    """What a filter further out added to the call reaches the method beside what came."""

    class Adds(facade.Filter):
        async def invoke(self, invoker, invocation):
            invocation.attachments["user"] = "ann"
            return await invoker.invoke(invocation)

    server = await wire.provide((Shop, ShopImpl()), filters=[Adds(), "default"])
    shop = wire.connect(server).refer(Shop)
    await wire.do(attach, trace="1")
    assert await wire.call(shop.buy, "tea") == {"user": "ann", "trace": "1"}


@pytest.mark.behaviour("B3.11")
async def test_nested_calls_leave_the_context_alone(wire) -> None:
    """A call that the method makes wipes neither what came nor what is to be sent back."""
    shop = await shops(wire)
    await wire.do(attach, trace="1")
    assert await wire.call(shop.buy, "tea") == {"trace": "1"}
    assert (await wire.do(came_back))["hop"] == "here"


@pytest.mark.behaviour("B3.11", "B4.11")
async def test_context_is_cleared_afterwards(wire) -> None:
    """The next call, though in the same thread, finds nothing of the one before."""

    class InThread(ShopImpl):
        def buy(self, item: str) -> dict[str, str]:  # type: ignore[override]
            RpcContext.values()["bought"] = item
            return {}

        def peek(self) -> list[str]:  # type: ignore[override]
            return [*RpcContext.values(), *RpcContext.server_attachments()]

    server = await wire.provide((Shop, InThread()), threads=1)
    shop = wire.connect(server).refer(Shop)
    await wire.do(attach, trace="1")
    await wire.call(shop.buy, "tea")
    assert await wire.call(shop.peek) == []


@pytest.mark.behaviour("B3.11", "B3.12")
@pytest.mark.parametrize(
    "end", [{"value": "x"}, {"exception": KeyError("x")}, {"error": facade.RpcError("x")}]
)
async def test_context_is_cleared_however_the_call_ends(end) -> None:
    """Value, exception and failure alike leave no context behind."""
    with contextlib.suppress(facade.RpcError):
        await Context().invoke(FakeInvoker(**end), invocation("buy"))
    assert current_request() is None
    assert RpcContext.countdown() is None


@pytest.mark.behaviour("B3.12")
async def test_response_attachments_go_back(wire) -> None:
    """What the method puts there comes back with its value, and with its exception too."""
    shop = await wire.refer(Shop, ShopImpl())
    await wire.call(shop.buy, "tea")
    assert await wire.do(came_back) == {"receipt": "tea"}
    with pytest.raises(ValueError, match="no"):
        await wire.call(shop.fail)
    assert await wire.do(came_back) == {"receipt": "none"}


@pytest.mark.behaviour("B3.12")
async def test_response_attachments_go_on_up(wire) -> None:
    """Those that came back from further down go up as well; the method's own override them."""
    shop = await shops(wire)
    await wire.call(shop.buy, "tea")
    assert await wire.do(came_back) == {"hop": "here", "receipt": "tea"}


@pytest.mark.behaviour("B3.12")
async def test_failure_takes_no_attachments_back(wire) -> None:
    """Where a filter fails the call, nothing goes back but the error, and the next call works."""

    class Once(facade.Filter):
        failed = False

        async def invoke(self, invoker, invocation):
            result = await invoker.invoke(invocation)
            if not self.failed:
                self.failed = True
                raise facade.RpcError("refused")
            return result

    server = await wire.provide((Shop, ShopImpl()), filters=["default", Once()])
    shop = wire.connect(server).refer(Shop)
    with pytest.raises(facade.RpcError, match="refused"):
        await wire.call(shop.buy, "tea")
    assert await wire.do(came_back) == {}
    await wire.call(shop.buy, "cake")
    assert await wire.do(came_back) == {"receipt": "cake"}


@pytest.mark.behaviour("B3.8", "B4.22")
async def test_what_the_method_started_keeps_its_context(wire) -> None:
    """A task that outlives the call still sees the call that started it."""
    tasks = []
    released = asyncio.Event()

    class Starting(ShopImpl):
        async def buy(self, item: str) -> dict[str, str]:
            tasks.append(asyncio.create_task(self.later()))
            return {}

        async def later(self) -> str:
            await released.wait()
            return RpcContext.service().method

    shop = await wire.refer(Shop, Starting())
    await wire.call(shop.buy, "tea")
    released.set()
    assert await tasks[0] == "buy"


@pytest.mark.behaviour("B1.44", "B3.12")
async def test_listeners_are_in_the_context(wire) -> None:
    """A filter inside of this one finds the call when it ends, and can send attachments back."""

    class Ending(facade.Filter):
        def on_response(self, result, invoker, invocation):
            trace = RpcContext.server_attachments()["trace"]
            RpcContext.response_attachments()["ended"] = f"{RpcContext.service().method} {trace}"

    server = await wire.provide((Shop, ShopImpl()), filters=["default", Ending()])
    shop = wire.connect(server).refer(Shop)
    await wire.do(attach, trace="1")
    await wire.call(shop.buy, "tea")
    assert (await wire.do(came_back))["ended"] == "buy 1"


@pytest.mark.behaviour("B4.7")
async def test_what_came_and_what_goes_are_apart() -> None:
    """Ours: what a method received is not in what it will send, though it will be sent.

    Dubbo's one context has both, and a method that clears the one loses the other.
    """
    seen = []

    def look(_):
        seen.append(dict(RpcContext.client_attachments()))
        RpcContext.client_attachments().clear()
        seen.append(dict(RpcContext.server_attachments()))

    await Context().invoke(FakeInvoker(function=look), invocation(attachments={"trace": "1"}))
    assert seen == [{}, {"trace": "1"}]
