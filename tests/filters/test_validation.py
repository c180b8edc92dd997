import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import pytest
from google.protobuf.duration_pb2 import Duration

import facade
from facade.core import Code, FilterSettings, InvalidArgument, RpcError, Sent, Status
from facade.filters.provider_validation import ProviderValidation
from facade.filters.validation import Validation
from facade.testing import FakeInvoker, connected, invocation

Positive = Annotated[int, msgspec.Meta(gt=0)]


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Item:
    name: Annotated[str, msgspec.Meta(max_length=3)]
    count: Positive = 1

    def __post_init__(self):
        if self.name == "odd":
            raise ValueError(f"{self.name} is odd")


@facade.service("test.Shop")
class Shop:
    async def buy(self, item: Item, times: Positive = 1, *, colour: Colour = Colour.RED) -> int: ...
    async def wait(self, time: Duration) -> int: ...
    async def watch(self, name: str, seen: Callable[[str], None]) -> int: ...


def buy(*arguments, **keywords):
    return invocation("buy", *arguments, interface=Shop, keywords=keywords or None)


@pytest.mark.parametrize(
    "call",
    [
        buy(Item("pen")),
        buy(Item("pen"), 2),
        buy(Item("pen"), times=2, colour=Colour.RED),
        buy(item=Item("pen")),
        invocation("wait", Duration(seconds=1), interface=Shop),
        invocation("watch", "pen", print, interface=Shop),
        invocation("generic", object()),
        invocation("$echo", 1),
    ],
    ids=repr,
)
async def test_what_fits_goes_on(call):
    """Arguments that the provider would take are passed on as they are."""
    rest = FakeInvoker("done")
    assert (await Validation().invoke(rest, call)).value == "done"
    assert rest.invocations == [call]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (buy(Item("secret")), "argument 'item' (at .name): Expected `str` of length <= 3"),
        (buy(Item("pen", -77)), "argument 'item' (at .count): Expected `int` >= 1"),
        (buy({"name": "odd"}), "argument 'item': not a valid value"),
        (buy("secret"), "argument 'item': Expected `object`, got `str`"),
        (buy(Item("pen"), 0), "argument 'times': Expected `int` >= 1"),
        (buy(Item("pen"), times="secret"), "argument 'times': Expected `int`, got `str`"),
        (buy(Item("pen"), colour="secret"), "argument 'colour': not a valid value"),
        (invocation("watch", 1, print, interface=Shop), "'name': Expected `str`, got `int`"),
    ],
)
async def test_misfit_is_refused_before_it_is_sent(call, told):
    """The error names the parameter and what is expected, and never the value."""
    rest = FakeInvoker()
    with pytest.raises(InvalidArgument) as caught:
        await Validation().invoke(rest, call)
    error = caught.value
    assert told in str(error)
    assert not any(value in str(error) for value in ("secret", "77", "odd"))
    assert (error.code, error.status) == (Code.VALIDATION, Status.INVALID_ARGUMENT)
    assert error.sent is Sent.NOT_SENT
    assert not rest.invocations


async def test_function_gets_method_and_arguments_by_name():
    """It sees what was given, by name, however it was given."""
    seen = []
    check = Validation(lambda name, arguments: seen.append((name, dict(arguments))))
    item = Item("pen")
    await check.invoke(FakeInvoker(), buy(item, times=2))
    await check.invoke(FakeInvoker(), invocation("generic", 1, 2, keywords={"x": 3}))
    assert seen == [("buy", {"item": item, "times": 2}), ("generic", {0: 1, 1: 2, "x": 3})]


async def test_function_can_not_change_the_call():
    """What it is given is for reading."""

    def change(name: str, arguments: Any) -> None:
        arguments["times"] = 1

    with pytest.raises(InvalidArgument, match="refused by its validation with TypeError"):
        await Validation(change).invoke(FakeInvoker(), buy(Item("pen")))


@pytest.mark.behaviour("B3.44")
@pytest.mark.parametrize(
    ("kind", "sent"),
    [(Validation, Sent.NOT_SENT), (ProviderValidation, Sent.NOT_EXECUTED)],
)
async def test_function_refuses_by_raising(kind, sent):
    """Its InvalidArgument is told as it is; of another exception only the type."""

    def check(name: str, arguments: Any) -> None:
        if arguments["times"] == 5:
            raise InvalidArgument("buy: 'times' must not be 5")
        if arguments["times"] == 6:
            raise RpcError("not today", code=Code.FORBIDDEN)
        raise ValueError(f"secret {arguments}")

    rest, guard = FakeInvoker(), kind(check)
    with pytest.raises(InvalidArgument, match="must not be 5") as own:
        await guard.invoke(rest, buy(Item("pen"), 5))
    with pytest.raises(RpcError, match="not today") as other:
        await guard.invoke(rest, buy(Item("pen"), 6))
    with pytest.raises(InvalidArgument, match="with ValueError") as wrapped:
        await guard.invoke(rest, buy(Item("pen"), 7))
    assert "secret" not in str(wrapped.value)
    assert isinstance(wrapped.value.__cause__, ValueError)
    assert own.value.code is wrapped.value.code is Code.VALIDATION
    assert other.value.code is Code.FORBIDDEN
    assert {own.value.sent, other.value.sent, wrapped.value.sent} == {sent}
    assert not rest.invocations


async def test_provider_does_not_check_types_twice():
    """They were checked when the arguments were decoded."""
    rest = FakeInvoker("done")
    assert (await ProviderValidation().invoke(rest, buy("no item"))).value == "done"


async def test_methods_say_for_themselves():
    """A method has its own check, or none; others have that of the service."""
    settings = FilterSettings({"validation": True}, {"buy": {"validation": False}})
    guard = Validation.configure(settings)
    await guard.invoke(FakeInvoker(), buy("no item"))
    with pytest.raises(InvalidArgument):
        await guard.invoke(FakeInvoker(), invocation("wait", 5, interface=Shop))


@pytest.mark.parametrize("value", [5, "yes"])
def test_other_settings_are_refused(value):
    """What can't check anything is an error, which says what can."""
    with pytest.raises(TypeError, match=r"takes \(name, arguments\)"):
        Validation(value)
    with pytest.raises(TypeError, match="validation"):
        facade.AsyncClient("localhost:1", filter_settings={"validation": value})


def test_function_must_be_plain():
    """Nobody would wait for an async one, and all would pass."""

    async def check(name: str, arguments: Any) -> None: ...

    with pytest.raises(TypeError, match="plain `def`"):
        Validation.configure(FilterSettings({}, {"buy": {"validation": check}}))


class ShopImpl(Shop):
    async def buy(self, item, times=1, *, colour=Colour.RED):
        return item.count * times

    async def wait(self, time):
        return time.seconds

    async def watch(self, name, seen):
        return 0


async def test_both_ends():
    """validation=True at a consumer refuses there; a function at the provider refuses there."""

    def check(name: str, arguments: Any) -> None:
        if arguments.get("times") == 13:
            raise InvalidArgument("'times' must not be 13")

    async with connected(
        (Shop, ShopImpl()),
        filter_settings={"validation": True},
        server_filters=[ProviderValidation(check)],
        timeout=10,
    ) as client:
        assert "-> validation ->" in repr(client.invoker)
        shop = client.refer(Shop)
        assert await shop.buy(Item("pen", 2), 3) == 6
        assert await shop.wait(Duration(seconds=5)) == 5
        with pytest.raises(InvalidArgument) as here:
            await shop.buy(Item("pen"), -1)
        with pytest.raises(InvalidArgument, match="must not be 13") as there:
            await shop.buy(Item("pen"), 13)
    assert (here.value.remote, there.value.remote) == (False, True)
