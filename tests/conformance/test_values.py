"""Values come out as they went in, and of the type that the interface says."""

import enum
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypedDict

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import Int64Value, StringValue

import facade


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Address(TypedDict):
    street: str
    number: int


@dataclass
class Item:
    name: str
    price: Decimal
    tags: list[str] = field(default_factory=list)


@dataclass
class Order:
    id: uuid.UUID
    at: datetime
    items: list[Item]
    colour: Colour = Colour.RED
    note: str | None = None
    address: Address | None = None


@facade.service("values.Echo")
class Echo:
    async def order(self, order: Order) -> Order: ...

    async def orders(self, orders: dict[str, Order]) -> dict[str, Order]: ...

    async def maybe(self, text: str | None) -> str | None: ...

    async def anything(self, value: Any) -> Any: ...

    async def number(self, number: float) -> float: ...

    async def days(self, day: date, length: timedelta) -> tuple[date, timedelta]: ...

    async def names(self, names: set[str]) -> frozenset[str]: ...

    async def text(self, text: str) -> str: ...

    async def raw(self, data: bytes) -> bytes: ...

    async def two(self, a: bytes, b: bytes) -> bytes: ...

    async def message(self, text: StringValue) -> StringValue: ...

    async def size(self, text: StringValue) -> Int64Value: ...

    async def swallow(self, length: Duration) -> None: ...

    async def messages(self, texts: list[StringValue], more: Struct) -> list[StringValue]: ...


class EchoImpl(Echo):
    def __init__(self) -> None:
        self.got: list[Any] = []

    async def order(self, order: Order) -> Order:
        self.got.append(order)
        return order

    async def orders(self, orders: dict[str, Order]) -> dict[str, Order]:
        return orders

    async def maybe(self, text: str | None) -> str | None:
        return text

    async def anything(self, value: Any) -> Any:
        return value

    async def number(self, number: float) -> float:
        return number

    async def days(self, day: date, length: timedelta) -> tuple[date, timedelta]:
        return day, length

    async def names(self, names: set[str]) -> frozenset[str]:
        self.got.append(names)
        return frozenset(names)

    async def text(self, text: str) -> str:
        return text

    async def raw(self, data: bytes) -> bytes:
        self.got.append(data)
        return data[::-1]

    async def two(self, a: bytes, b: bytes) -> bytes:
        return a + b

    async def message(self, text: StringValue) -> StringValue:
        self.got.append(text)
        return text

    async def size(self, text: StringValue) -> Int64Value:
        return Int64Value(value=len(text.value))

    async def swallow(self, length: Duration) -> None:
        self.got.append(length)

    async def messages(self, texts: list[StringValue], more: Struct) -> list[StringValue]:
        self.got += [texts, more]
        return texts


ORDER = Order(
    id=uuid.UUID(int=7),
    at=datetime(2024, 2, 29, 12, 30, 15, 250_000, UTC),
    items=[Item("tea", Decimal("3.10"), ["hot"]), Item("cake", Decimal("4"))],
    colour=Colour.BLUE,
    address={"street": "High Street", "number": 1},
)


async def test_dataclass(wire):
    """A dataclass arrives as one, with all that it holds, and comes back equal."""
    echo = EchoImpl()
    service = await wire.refer(Echo, echo)
    assert await wire.call(service.order, ORDER) == ORDER
    assert echo.got == [ORDER]
    assert isinstance(echo.got[0].items[0].price, Decimal)


async def test_values_inside_of_containers(wire):
    """Typed values inside of a dict are typed again."""
    service = await wire.refer(Echo, EchoImpl())
    assert await wire.call(service.orders, {"first": ORDER}) == {"first": ORDER}


async def test_dates_and_durations(wire):
    """Standard types that JSON lacks keep their type, also within a tuple."""
    service = await wire.refer(Echo, EchoImpl())
    sent = (date(2024, 2, 29), timedelta(hours=1, microseconds=5))
    assert await wire.call(service.days, *sent) == sent


async def test_sets(wire):
    """A set arrives as a set, and a frozenset comes back."""
    echo = EchoImpl()
    service = await wire.refer(Echo, echo)
    value = await wire.call(service.names, {"Ann", "Bob"})
    assert value == frozenset({"Ann", "Bob"})
    assert isinstance(value, frozenset)
    assert echo.got == [{"Ann", "Bob"}]


@pytest.mark.parametrize("value", [None, "", "text"])
async def test_optional_value(wire, value):
    """None is a value, and not the same as an empty one."""
    service = await wire.refer(Echo, EchoImpl())
    assert await wire.call(service.maybe, value) == value


@pytest.mark.parametrize(
    "value",
    [
        True,
        0,
        -1,
        2**63 - 1,
        1.5,
        "ä€😀",
        b"\x00\xff",
        [1, [2, None]],
        {"a": {"b": [1]}},
        {},
        [],
    ],
    ids=repr,
)
async def test_plain_value_of_any_type(wire, value):
    """Where the interface says Any, plain values come back as they were."""
    service = await wire.refer(Echo, EchoImpl())
    answer = await wire.call(service.anything, value)
    assert answer == value
    assert type(answer) is type(value)


async def test_int_for_a_float(wire):
    """An int is good where a float is asked for, and becomes one."""
    service = await wire.refer(Echo, EchoImpl())
    answer = await wire.call(service.number, 3)
    assert (answer, type(answer)) == (3.0, float)


async def test_big_value(wire):
    """A value of some MiB, below the limit, comes back whole."""
    service = await wire.refer(Echo, EchoImpl())
    text = "0123456789" * 300_000
    assert await wire.call(service.text, text) == text


async def test_raw_bytes(wire):
    """Bytes go as they are, of any value, empty ones too."""
    echo = EchoImpl()
    service = await wire.refer(Echo, echo)
    data = bytes(range(256))
    assert await wire.call(service.raw, data) == data[::-1]
    assert await wire.call(service.raw, b"") == b""
    assert echo.got == [data, b""]


async def test_big_raw_bytes(wire):
    """Bytes of some MiB, below the limit, come back whole."""
    service = await wire.refer(Echo, EchoImpl())
    data = bytes(range(256)) * 12_000
    assert await wire.call(service.raw, data) == data[::-1]


async def test_bytes_beside_other_arguments(wire):
    """Bytes go where there are several arguments, too."""
    service = await wire.refer(Echo, EchoImpl())
    assert await wire.call(service.two, b"\xff", b=b"\x00") == b"\xff\x00"


async def test_protobuf_message(wire):
    """A method of one message gets it as it was, and returns one."""
    echo = EchoImpl()
    service = await wire.refer(Echo, echo)
    assert await wire.call(service.message, StringValue(value="ä")) == StringValue(value="ä")
    assert echo.got == [StringValue(value="ä")]


async def test_protobuf_message_of_another_type(wire):
    """What is returned may be another message than what is taken."""
    service = await wire.refer(Echo, EchoImpl())
    assert await wire.call(service.size, StringValue(value="abc")) == Int64Value(value=3)


async def test_empty_protobuf_message(wire):
    """A message with nothing set is a message all the same."""
    service = await wire.refer(Echo, EchoImpl())
    assert await wire.call(service.message, StringValue()) == StringValue()


async def test_protobuf_message_and_no_value(wire):
    """A method of one message may return nothing."""
    echo = EchoImpl()
    service = await wire.refer(Echo, echo)
    assert await wire.call(service.swallow, Duration(seconds=5)) is None
    assert echo.got == [Duration(seconds=5)]


async def test_protobuf_messages_inside_of_other_values(wire):
    """Messages go inside of lists, and beside other arguments."""
    echo = EchoImpl()
    service = await wire.refer(Echo, echo)
    texts, more = [StringValue(value="a"), StringValue()], Struct()
    more["key"] = 1
    assert await wire.call(service.messages, texts, more) == texts
    assert echo.got == [texts, more]


async def test_value_is_a_copy(wire):
    """Neither end can change what the other holds."""
    echo = EchoImpl()
    service = await wire.refer(Echo, echo)
    answer = await wire.call(service.order, ORDER)
    assert answer is not ORDER
    assert echo.got[0] is not ORDER
