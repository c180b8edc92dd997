"""Consumers and providers of which one knows an interface as it was, and one as it is."""

import enum
from dataclasses import dataclass

import pytest

import facade


class Colour(enum.Enum):
    RED = "red"


class MoreColours(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Order:
    item: str


@dataclass
class CountedOrder:
    item: str
    count: int = 1


@facade.service("changes.Shop")
class Old:
    async def buy(self, order: Order) -> Order: ...

    async def paint(self, colour: Colour) -> Colour: ...

    async def join(self, a: str, b: str) -> str: ...


@facade.service("changes.Shop")
class New:
    async def buy(self, order: CountedOrder, fast: bool = False) -> CountedOrder: ...

    async def paint(self, colour: MoreColours) -> MoreColours: ...

    async def join(self, left: str, right: str) -> str: ...

    async def close(self) -> None: ...


class OldImpl(Old):
    async def buy(self, order: Order) -> Order:
        return Order(f"{order.item}, sold")

    async def paint(self, colour: Colour) -> Colour:
        return colour

    async def join(self, a: str, b: str) -> str:
        return a + b


class NewImpl(New):
    async def buy(self, order: CountedOrder, fast: bool = False) -> CountedOrder:
        return CountedOrder(f"{order.item}, sold", order.count + fast)

    async def paint(self, colour: MoreColours) -> MoreColours:
        return MoreColours.BLUE

    async def join(self, left: str, right: str) -> str:
        return left + right

    async def close(self) -> None:
        pass


@pytest.fixture
async def old(wire):
    """What an old consumer sees of a new provider."""
    return wire.connect(await wire.provide((New, NewImpl()))).refer(Old)


@pytest.fixture
async def new(wire):
    """What a new consumer sees of an old provider."""
    return wire.connect(await wire.provide((Old, OldImpl()))).refer(New)


async def test_method_that_is_new(wire, new):
    """It is not there yet, and the error says what is."""
    with pytest.raises(facade.Unimplemented, match="it has: buy, paint, join") as raised:
        await wire.call(new.close)
    assert raised.value.sent is facade.Sent.NOT_EXECUTED


async def test_field_and_parameter_with_a_default(wire, old, new):
    """Each side leaves out what it does not know; what can't be left out is refused."""
    assert await wire.call(old.buy, Order("tea")) == Order("tea, sold")
    assert await wire.call(new.buy, CountedOrder("tea", 3)) == CountedOrder("tea, sold")
    with pytest.raises(facade.InvalidArgument, match="takes 1 positional") as raised:
        await wire.call(new.buy, CountedOrder("tea"), True)
    assert raised.value.sent is facade.Sent.NOT_EXECUTED


async def test_name_of_a_parameter(wire, old, new):
    """It is the consumer's own."""
    assert await wire.call(old.join, a="te", b="a") == "tea"
    assert await wire.call(new.join, right="a", left="te") == "tea"


async def test_member_of_an_enum(wire, old, new):
    """Who does not know it says so."""
    with pytest.raises(facade.RpcError, match="is not a Colour: Invalid enum value 'blue'"):
        await wire.call(old.paint, Colour.RED)
    with pytest.raises(facade.InvalidArgument, match="'colour': Invalid enum value 'blue'"):
        await wire.call(new.paint, MoreColours.BLUE)
    assert await wire.call(new.paint, MoreColours.RED) is MoreColours.RED
