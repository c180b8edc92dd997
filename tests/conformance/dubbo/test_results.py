"""Results, what filters make of them, and invokers that can answer or not."""

import asyncio

import pytest

import facade
from facade import Result, RpcContext, Sent
from facade.core.chain import chain, is_available
from facade.testing import FakeInvoker


@facade.service("results.Shop")
class Shop:
    async def buy(self, item: str) -> str: ...

    def leave(self, how: str) -> str: ...


class ShopImpl(Shop):
    async def buy(self, item: str) -> str:
        if item == "nothing":
            raise LookupError(item)
        RpcContext.response_attachments()["till"] = "3"
        return item

    def leave(self, how: str) -> str:
        raise SystemExit(how)


# What a result is


@pytest.mark.behaviour("B1.31", "B1.32")
def test_recreate():
    """It gives the value, None as well, or raises the exception."""
    assert Result("value").recreate() == "value"
    assert Result().recreate() is None
    with pytest.raises(KeyError, match="gone"):
        Result(exception=KeyError("gone")).recreate()


@pytest.mark.behaviour("B1.36")
def test_exception_comes_before_the_value():
    """Setting one leaves the other as it is."""
    result = Result("value")
    result.exception = KeyError("gone")
    assert result.value == "value"
    with pytest.raises(KeyError):
        result.recreate()
    result.exception = None
    assert result.recreate() == "value"


@pytest.mark.behaviour("B1.33", "B1.34")
def test_clear():
    """Value, exception and attachments are gone."""
    result = Result("value", KeyError("gone"), {"a": "1"})
    result.clear()
    assert (result.recreate(), result.attachments) == (None, {})


# What filters make of it


class Replace(facade.Filter):
    """Changes a result where ``invoke`` has it, or where a listener has."""

    needs_loop = False

    def __init__(self, change) -> None:
        self.change = change

    async def invoke(self, invoker, invocation):
        result = await invoker.invoke(invocation)
        self.change(result)
        return result


class ReplaceLater(facade.Filter):
    needs_loop = False

    def __init__(self, change) -> None:
        self.change = change

    def on_response(self, result, invoker, invocation):
        self.change(result)


def set_value(result):
    result.value, result.exception = "other", None
    result.attachments["by"] = "filter"


def set_exception(result):
    result.exception = KeyError("other")


@pytest.mark.behaviour("B1.40", "B2.29")
@pytest.mark.parametrize("replace", [Replace, ReplaceLater])
@pytest.mark.parametrize("side", ["consumer", "provider"])
@pytest.mark.parametrize("item", ["tea", "nothing"])
async def test_filter_replaces_the_value(wire, replace, side, item):
    """On either side, of a value and of an exception; the attachments go the same way."""
    shop = await shop_with(wire, side, replace(set_value))
    assert await wire.call(shop.buy, item) == "other"
    assert (await wire.do(RpcContext.response_attachments))["by"] == "filter"


@pytest.mark.behaviour("B1.40", "B2.29")
@pytest.mark.parametrize("replace", [Replace, ReplaceLater])
@pytest.mark.parametrize("side", ["consumer", "provider"])
@pytest.mark.parametrize("item", ["tea", "nothing"])
async def test_filter_replaces_the_exception(wire, replace, side, item):
    """The caller gets that of the filter; its future too."""
    shop = await shop_with(wire, side, replace(set_exception))
    with pytest.raises(KeyError, match="other"):
        await wire.call(shop.buy, item)
    assert isinstance((await wire.do(RpcContext.future)).exception(), KeyError)
    with pytest.raises(KeyError, match="other"):
        await wire.value(await wire.do(shop.buy.future, item))


async def shop_with(wire, side, filter):
    filters = {"consumer": ["default"], "provider": ["default"]}
    filters[side].append(filter)
    server = await wire.provide((Shop, ShopImpl()), filters=filters["provider"])
    return wire.connect(server, filters=filters["consumer"]).refer(Shop)


@pytest.mark.behaviour("B1.47")
async def test_result_of_a_filter_s_own(wire):
    """A filter answers with a value, or with an exception, and nothing is called."""

    class Answer(facade.Filter):
        needs_loop = False

        async def invoke(self, invoker, invocation):
            if invocation.arguments == ("nothing",):
                return Result(exception=LookupError("sold out"))
            return Result("from the shelf")

    server = await wire.provide()
    shop = wire.connect(server, filters=["default", Answer()]).refer(Shop)
    assert await wire.call(shop.buy, "tea") == "from the shelf"
    with pytest.raises(LookupError, match="sold out"):
        await wire.call(shop.buy, "nothing")


@pytest.mark.behaviour("B1.52", "B1.54")
async def test_method_s_exception_is_a_result(wire):
    """Filters of both sides have it as an answer, and not as a failed call."""
    seen = []

    class Listener(facade.Filter):
        def on_response(self, result, invoker, invocation):
            seen.append(type(result.exception))

        def on_error(self, error, invoker, invocation):
            raise AssertionError(error)

    server = await wire.provide((Shop, ShopImpl()), filters=["default", Listener()])
    shop = wire.connect(server, filters=["default", Listener()]).refer(Shop)
    with pytest.raises(LookupError):
        await wire.call(shop.buy, "nothing")
    assert seen == [LookupError, LookupError]


@pytest.mark.behaviour("B1.2")
async def test_attributes_stay_at_their_end(wire):
    """Neither end's filters see what the other's keep; attempts of one call share theirs."""
    seen = []

    class Keep(facade.Filter):
        needs_loop = False

        def __init__(self, side):
            self.side = side

        async def invoke(self, invoker, invocation):
            seen.append((self.side, dict(invocation.attributes)))
            invocation.attributes[self.side] = object()
            return await invoker.invoke(invocation)

    server = await wire.provide((Shop, ShopImpl()), filters=["default", Keep("provider")])
    shop = wire.connect(server, filters=["default", Keep("consumer")]).refer(Shop)
    for _ in range(2):
        await wire.call(shop.buy, "tea")
    assert seen == [("consumer", {}), ("provider", {})] * 2


# Exceptions that are none


@pytest.mark.behaviour("B1.28", "B1.54")
@pytest.mark.parametrize("error", [SystemExit, BaseException])
@pytest.mark.parametrize("in_thread", [False, True])
async def test_method_can_not_end_the_provider(wire, error, in_thread, caplog):
    """sys.exit() and its like in a method are an error for the caller, and are logged."""

    class Leaving(ShopImpl):
        async def buy(self, item: str) -> str:
            raise error(item)

        def leave(self, how: str) -> str:
            raise error(how)

    shop = await wire.refer(Shop, Leaving())
    for _ in range(2):
        with pytest.raises(facade.RemoteError, match="good-bye") as caught:
            await wire.call(shop.leave if in_thread else shop.buy, "good-bye")
        assert caught.value.type == f"builtins.{error.__name__}"
    assert "its caller is told" in caplog.text


# Availability


@pytest.mark.behaviour("B1.10", "B2.8")
@pytest.mark.parametrize("wire", ["memory", "stream", "blocking"], indirect=True)
async def test_available_while_connected(wire):
    """Not before the first connection, nor once the provider drains, nor after the close."""
    server = await wire.provide((Shop, ShopImpl()))
    client = wire.connect(server)
    assert not client.available
    await wire.call(client.refer(Shop).buy, "tea")
    assert client.available
    assert is_available(client.invoker)
    await server.stop()
    connection = getattr(client, "_client", client)._wire.connector.current
    while not connection.closed.is_set():  # noqa: ASYNC110 - it may be of another thread's loop
        await asyncio.sleep(0.001)
    assert not client.available
    assert not is_available(client.invoker)


@pytest.mark.behaviour("B1.10", "B4.36")
async def test_call_after_the_close(wire):
    """Our decision: a closed client calls nobody. (Dubbo warns, and calls.)"""
    server = await wire.provide((Shop, ShopImpl()))
    client = wire.connect(server)
    shop = client.refer(Shop)
    assert await wire.call(shop.buy, "tea") == "tea"
    if wire.blocking:
        await asyncio.to_thread(client.close)
    else:
        await client.close()
    assert not client.available
    for method in (shop.buy, shop.buy.oneway):
        with pytest.raises(facade.Unavailable, match="closed") as caught:
            await wire.call(method, "tea")
        assert caught.value.sent is Sent.NOT_SENT


@pytest.mark.behaviour("B1.27", "B2.8")
def test_chain_is_as_available_as_its_end():
    """Filters have no say; an end that says nothing can answer."""

    end = FakeInvoker()
    end.available = False
    links = chain([Replace(set_value), ReplaceLater(set_value)], end)
    assert not links.available
    end.available = True
    assert links.available
    assert is_available(FakeInvoker())
    exporter = facade.Server().export(Shop, ShopImpl())
    assert is_available(exporter.invoker)
