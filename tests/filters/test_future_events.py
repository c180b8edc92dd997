import asyncio

import pytest

import facade
from facade.core import FilterSettings, RpcError, Unavailable
from facade.filters.future_events import FutureEvents
from facade.testing import FakeInvoker, connected, connected_blocking, invocation


class Heard(list):
    """What was called, in order."""

    def oninvoke(self, *arguments, **keywords):
        self.append(("oninvoke", *arguments, *keywords.items()))

    def onreturn(self, value, *arguments):
        self.append(("onreturn", value, *arguments))

    def onthrow(self, error, *arguments):
        self.append(("onthrow", error, *arguments))

    def all(self, **changed):
        kept = {name: getattr(self, name) for name in ("oninvoke", "onreturn", "onthrow")}
        return FutureEvents(**{**kept, **changed})


@pytest.fixture
def heard():
    return Heard()


@pytest.mark.behaviour("B3.48", "B3.49")
async def test_call_is_told_before_and_after(heard):
    """oninvoke has the arguments, before the call; onreturn the value and the arguments."""
    rest = FakeInvoker(function=lambda call: heard.append("call") or "value")
    result = await heard.all().invoke(rest, invocation("hello", "Ann", 2))
    assert result.value == "value"
    assert heard == [("oninvoke", "Ann", 2), "call", ("onreturn", "value", "Ann", 2)]


@pytest.mark.behaviour("B3.50")
async def test_exception_of_the_method_is_told(heard):
    """onthrow has what the method raised, and the caller has it, too."""
    error = KeyError("x")
    result = await heard.all().invoke(FakeInvoker(exception=error), invocation("hello", "Ann"))
    assert result.exception is error
    assert heard == [("oninvoke", "Ann"), ("onthrow", error, "Ann")]


@pytest.mark.behaviour("B3.50")
async def test_failed_call_is_told(heard):
    """So it has what failed on its way."""
    error = Unavailable("gone")
    with pytest.raises(Unavailable):
        await heard.all().invoke(FakeInvoker(error=error), invocation("hello", "Ann"))
    assert heard == [("oninvoke", "Ann"), ("onthrow", error, "Ann")]


@pytest.mark.behaviour("B3.48")
async def test_failing_oninvoke_does_not_stop_the_call(heard):
    """onthrow has its exception, and the call is made all the same."""
    own = ValueError("own")

    def oninvoke(*arguments):
        raise own

    rest = FakeInvoker("value")
    result = await heard.all(oninvoke=oninvoke).invoke(rest, invocation("hello", "Ann"))
    assert result.value == "value"
    assert heard == [("onthrow", own, "Ann"), ("onreturn", "value", "Ann")]


@pytest.mark.behaviour("B3.49")
async def test_failing_onreturn_is_thrown_to_onthrow(heard):
    """Its exception is onthrow's; the caller has the value."""
    own = ValueError("own")

    def onreturn(value):
        raise own

    events = heard.all(oninvoke=None, onreturn=onreturn)
    assert (await events.invoke(FakeInvoker("value"), invocation("hello"))).value == "value"
    assert heard == [("onthrow", own)]


@pytest.mark.behaviour("B3.50")
@pytest.mark.parametrize("name", ["oninvoke", "onreturn", "onthrow"])
async def test_what_nobody_hears_is_logged(name, caplog):
    """By its type: its text may hold what was given to the call."""

    def fail(*arguments):
        raise ValueError("secret")

    rest = FakeInvoker(exception=KeyError()) if name == "onthrow" else FakeInvoker()
    await FutureEvents(**{name: fail}).invoke(rest, invocation("hello", "secret"))
    assert caplog.messages == [f"{name} of test.Service.hello raised ValueError"]


@pytest.mark.behaviour("B3.49")
async def test_onreturn_takes_what_it_has_parameters_for():
    """The value alone, the value and all arguments, or the value and a tuple of them."""
    heard = []

    def alone(value):
        heard.append((value,))

    def each(value, one, two, *, key=None):
        heard.append((value, one, two, key))

    def together(value, arguments: tuple[object, ...]):
        heard.append((value, arguments))

    for onreturn in (alone, each, together, [].append):
        events = FutureEvents(onreturn=onreturn)
        await events.invoke(FakeInvoker("v"), invocation("m", 1, 2, keywords={"key": 3}))
    assert heard == [("v",), ("v", 1, 2, 3), ("v", (1, 2))]


@pytest.mark.behaviour("B3.50")
@pytest.mark.parametrize(
    ("hint", "told"),
    [
        (KeyError, [KeyError]),
        (KeyError | ValueError, [KeyError, ValueError]),
        (LookupError, [KeyError]),
        (BaseException, [KeyError, ValueError, asyncio.CancelledError]),
        (object, [KeyError, ValueError]),
    ],
)
async def test_onthrow_chooses_by_its_type_hint(hint, told):
    """It hears of the errors that its first parameter is for, and never of a cancellation
    that it did not ask for."""
    heard = []

    def onthrow(error):
        heard.append(type(error))

    onthrow.__annotations__["error"] = hint
    events = FutureEvents(onthrow=onthrow)
    for error in (KeyError(), ValueError()):
        await events.invoke(FakeInvoker(exception=error), invocation())
    with pytest.raises(asyncio.CancelledError):
        await events.invoke(FakeInvoker(error=asyncio.CancelledError()), invocation())
    assert heard == told


@pytest.mark.behaviour("B3.47")
async def test_methods_say_for_themselves(heard):
    """Each method has its own; what it does not say is the service's."""
    settings = FilterSettings(
        {"onthrow": heard.onthrow},
        {"buy": {"onreturn": heard.onreturn}, "quiet": {"onthrow": None}},
    )
    events = FutureEvents.configure(settings)
    error = RpcError("no")
    for name in ("buy", "hello", "quiet"):
        await events.invoke(FakeInvoker(name), invocation(name))
        with pytest.raises(RpcError):
            await events.invoke(FakeInvoker(error=error), invocation(name))
    assert heard == [("onreturn", "buy"), ("onthrow", error), ("onthrow", error)]


@pytest.mark.behaviour("B3.47")
def test_wrong_callbacks_are_refused():
    """What can't be called, or would never be awaited, is an error at the start."""

    async def later(value): ...

    with pytest.raises(TypeError, match="onreturn"):
        FutureEvents(onreturn="text")
    with pytest.raises(TypeError, match="must be a plain `def`"):
        FutureEvents.configure(FilterSettings({}, {"buy": {"onthrow": later}}))
    with pytest.raises(TypeError, match="oninvoke"):
        facade.AsyncClient("localhost:1", filter_settings={"oninvoke": "text"})


@facade.service("test.Shop")
class Shop:
    async def buy(self, item: str) -> str: ...


@facade.service("test.Shop")
class BlockingShop:
    def buy(self, item: str) -> str: ...


class ShopImpl(Shop):
    async def buy(self, item):
        if not item:
            raise ValueError("nothing")
        return f"a {item}"


async def test_over_the_wire(heard):
    """Keys of a method switch it on."""
    events = {"onreturn": heard.onreturn, "onthrow": heard.onthrow}
    async with connected((Shop, ShopImpl()), timeout=10) as client:
        shop = client.refer(Shop, methods={"buy": events})
        await shop.buy("pen")
        with pytest.raises(ValueError, match="nothing") as caught:
            await shop.buy("")
    assert heard == [("onreturn", "a pen", "pen"), ("onthrow", caught.value, "")]


def test_blocking_client(heard):
    """The same for a client without an event loop, on the thread that calls."""
    with connected_blocking((Shop, ShopImpl()), timeout=10) as client:
        client.refer(BlockingShop, onreturn=heard.onreturn).buy("pen")
    assert heard == [("onreturn", "a pen", "pen")]
