"""What is put in at one end comes out at the other, for every kind of type that a hint may be."""

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Optional, TypedDict
from uuid import UUID

import msgspec
import pytest
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from facade.codec import MSGPACK, VALUE, MethodCodec
from facade.core import Method, Parameter


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Item:
    name: str
    price: Decimal
    colour: Colour = Colour.RED


@dataclass
class Order:
    id: UUID
    placed: datetime
    items: list[Item] = field(default_factory=list)
    note: str | None = None


class Point(msgspec.Struct):
    x: float
    y: float = 0.0


class Circle(msgspec.Struct, tag=True):
    centre: Point
    radius: float


class Square(msgspec.Struct, tag=True):
    corner: Point


class Address(TypedDict):
    street: str
    number: NotRequired[int]


@dataclass
class Tree:
    label: str
    branches: list["Tree"] = field(default_factory=list)


class Pair(NamedTuple):
    left: int
    right: str


# A long integer in JSON is another matter: see test_jsonvalue.py.
exact = st.integers(-(2**53), 2**53)
finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text()
decimals = st.decimals(allow_nan=False, allow_infinity=False)
offsets = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=offsets)
items = st.builds(Item, texts, decimals, st.sampled_from(Colour))
trees = st.recursive(
    st.builds(Tree, texts), lambda inner: st.builds(Tree, texts, st.lists(inner, max_size=3))
)
points = st.builds(Point, finite, finite)

KINDS = {
    "int": (int, exact),
    "float": (float, finite),
    "bool": (bool, st.booleans()),
    "str": (str, texts),
    "bytes": (bytes, st.binary()),
    "none": (None, st.none()),
    "datetime": (datetime, moments),
    "naive datetime": (datetime, st.datetimes()),
    "date": (date, st.dates()),
    "time": (time, st.times()),
    "timedelta": (timedelta, st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000))),
    "UUID": (UUID, st.uuids()),
    "Decimal": (Decimal, decimals),
    "enum": (Colour, st.sampled_from(Colour)),
    "int enum": (Level, st.sampled_from(Level)),
    "literal": (Literal["a", "b"], st.sampled_from(["a", "b"])),
    "annotated": (Annotated[int, msgspec.Meta(ge=0)], st.integers(0, 2**53)),
    "optional": (Optional[int], st.none() | exact),  # noqa: UP045
    "union": (int | str | None, st.none() | exact | texts),
    "list": (list[int], st.lists(exact)),
    "set": (set[int], st.sets(exact)),
    "frozenset": (frozenset[str], st.frozensets(texts)),
    "tuple": (tuple[int, str], st.tuples(exact, texts)),
    "long tuple": (tuple[int, ...], st.lists(exact).map(tuple)),
    "dict": (dict[str, list[int]], st.dictionaries(texts, st.lists(exact))),
    "named tuple": (Pair, st.builds(Pair, exact, texts)),
    "TypedDict": (
        Address,
        st.fixed_dictionaries({"street": texts}, optional={"number": exact}),
    ),
    "dataclass": (Item, items),
    "nested dataclass": (
        Order,
        st.builds(Order, st.uuids(), moments, st.lists(items, max_size=3), st.none() | texts),
    ),
    "recursive dataclass": (Tree, trees),
    "struct": (Point, points),
    "tagged union": (
        Circle | Square,
        st.builds(Circle, points, finite) | st.builds(Square, points),
    ),
    "dict of structs": (dict[str, Point], st.dictionaries(texts, points, max_size=3)),
    "protobuf message": (
        Struct,
        st.dictionaries(texts, texts, max_size=3).map(
            lambda plain: Struct(fields={k: Value(string_value=v) for k, v in plain.items()})
        ),
    ),
    "anything": (Any, st.none() | st.booleans() | exact | texts | st.lists(texts)),
}


@cache
def codec(kind, *, before=0, keyword_only=False):
    """Of a method that takes some integers and one ``kind``, and returns a ``kind``.

    A method of one message or of one bytes is another matter: see test_encodings.py.
    """
    hint, _ = KINDS[kind]
    parameters = [Parameter(f"n{i}", int) for i in range(before)]
    parameters.append(Parameter("argument", hint, keyword_only=keyword_only))
    return MethodCodec(Method("demo.Shop", "buy", tuple(parameters), hint))


def same(one, other):
    """Equal and of one type: 1 == True == 1.0 would hide a change."""
    return one == other and type(one) is type(other)


def json_and_back(hint, value):
    sent = MethodCodec(Method("demo.Shop", "buy", (), hint))
    return sent.decode_result(sent.encode_result(value, VALUE))


every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
@given(data=st.data())
def test_argument_by_position(kind, data):
    """An argument comes out as it went in, with its type."""
    value = data.draw(KINDS[kind][1])
    sent = codec(kind, before=1)
    arguments, keywords = sent.decode_arguments(sent.encode_arguments((1, value), None))
    assert same(arguments[1], value)
    assert keywords is None


@every_kind
@given(data=st.data())
def test_argument_by_name(kind, data):
    """A keyword-only argument comes out under its name."""
    value = data.draw(KINDS[kind][1])
    sent = codec(kind, keyword_only=True)
    arguments, keywords = sent.decode_arguments(sent.encode_arguments((), {"argument": value}))
    assert arguments == ()
    assert same(keywords["argument"], value)


@every_kind
@given(data=st.data())
def test_argument_of_many(kind, data):
    """More than 15 arguments are written in another way, and come out all the same."""
    value = data.draw(KINDS[kind][1])
    sent = codec(kind, before=16)
    arguments, _ = sent.decode_arguments(sent.encode_arguments((*range(16), value), None))
    assert arguments[:16] == tuple(range(16))
    assert same(arguments[16], value)


@every_kind
@pytest.mark.parametrize("encoding", [MSGPACK, VALUE])
@given(data=st.data())
def test_result(kind, encoding, data):
    """A result comes out as it went in, in the encodings that every method has."""
    value = data.draw(KINDS[kind][1])
    sent = codec(kind, before=1)
    assert same(sent.decode_result(sent.encode_result(value, encoding)), value)


@every_kind
@given(data=st.data())
def test_argument_from_json(kind, data):
    """What a JSON tool reads from an answer, it may send as an argument."""
    value = data.draw(KINDS[kind][1])
    sent = codec(kind, keyword_only=True)
    _, answer = sent.encode_result(value, VALUE)
    request = Struct(fields={"argument": answer})
    _, keywords = sent.decode_arguments((VALUE, Value(struct_value=request)))
    assert same(keywords["argument"], value)


# Where JSON has fewer forms than Python


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (dict[UUID, int], {UUID(int=5): 1}),
        (dict[date, int], {date(2020, 1, 2): 1}),
        (dict[int, str], {1: "one"}),
    ],
    ids=["UUID", "date", "int"],
)
def test_keys_that_are_text_in_json_are_read_from_it(hint, value):
    """Names are text in JSON: a key of another type is read from its text."""
    assert json_and_back(hint, value) == value


@pytest.mark.parametrize(
    ("hint", "value"), [(int, 2**53 + 1), (float, math.inf)], ids=["long integer", "infinity"]
)
def test_numbers_that_are_text_in_json_are_read_from_it(hint, value):
    """What a JSON number can't hold goes as text, and is read from it."""
    assert json_and_back(hint, value) == value


def test_message_that_is_text_in_json_is_read_from_it():
    """Some messages of protobuf's own are text in JSON, a Timestamp for one."""
    assert json_and_back(Timestamp, Timestamp(seconds=5)) == Timestamp(seconds=5)


@pytest.mark.parametrize(
    "value",
    [2**64 - 1, -(2**63), math.inf, 1e300, datetime(2020, 1, 1, tzinfo=UTC), {1: 2}, b"\xff"],
)
def test_msgpack_has_them_all(value):
    """Between Python ends nothing is lost: the longest integers, infinity, keys of any type."""
    sent = MethodCodec(Method("demo.Shop", "buy", (), Any))
    assert same(sent.decode_result(sent.encode_result(value, MSGPACK)), value)


def test_nan_is_still_none_of_the_numbers():
    """A float that is not a number stays one."""
    sent = MethodCodec(Method("demo.Shop", "buy", (), float))
    assert math.isnan(sent.decode_result(sent.encode_result(math.nan, MSGPACK)))
