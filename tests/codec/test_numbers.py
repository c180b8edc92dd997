"""Text in JSON that stands for a number."""

import enum
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import msgspec
import pytest
from google.protobuf.duration_pb2 import Duration

import facade
from facade.codec import VALUE, MethodCodec
from facade.codec.payload import from_json
from facade.core.method import Method, Parameter
from facade.jsonvalue import to_value

LONG = 2**53 + 1
TEXT = str(LONG)


@dataclass
class Line:
    id: int
    note: str


class Place(NamedTuple):
    x: float
    name: str


class Count(TypedDict):
    total: int


class Circle(msgspec.Struct, tag="circle"):
    size: int


class Label(msgspec.Struct, tag="label"):
    size: str


class Level(enum.IntEnum):
    LOW = 1


def decode(plain: Any, *hints: Any) -> tuple[Any, ...]:
    """The arguments that a method with these hints is given."""
    parameters = tuple(Parameter(f"p{n}", hint) for n, hint in enumerate(hints))
    codec = MethodCodec(Method("demo.Numbers", "take", parameters, None))
    arguments, _ = codec.decode_arguments((VALUE, to_value(plain)))
    return arguments


@pytest.mark.parametrize(
    ("hint", "plain", "value"),
    [
        (int, TEXT, LONG),
        (int | None, TEXT, LONG),
        (float, "-Infinity", -math.inf),
        (int | float, TEXT, LONG),
        (int | float, "1.5", 1.5),
        (list[int], [1, TEXT], [1, LONG]),
        (set[int], [TEXT], {LONG}),
        (tuple[int, ...], [TEXT, "2"], (LONG, 2)),
        (tuple[str, int], [TEXT, TEXT], (TEXT, LONG)),
        (dict[str, int], {"7": TEXT}, {"7": LONG}),
        (dict[int, str], {"7": TEXT}, {7: TEXT}),
        (Line, {"id": TEXT, "note": TEXT}, Line(LONG, TEXT)),
        (list[Line] | None, [{"id": TEXT, "note": "1"}], [Line(LONG, "1")]),
        (Place, ["1.5", "1.5"], Place(1.5, "1.5")),
        (Count, {"total": TEXT}, {"total": LONG}),
        (Circle | Label, {"type": "circle", "size": TEXT}, Circle(LONG)),
        (Annotated[int, msgspec.Meta(gt=0)], TEXT, LONG),
    ],
)
def test_number_is_read_from_text(hint, plain, value):
    """Where a number is meant and JSON has text for it, it is read; other text stays text."""
    assert decode([plain], hint) == (value,)


def test_no_number_is_read_from_text():
    """Not-a-number is text in JSON too."""
    assert math.isnan(decode(["NaN"], float)[0])


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (int, "null"),
        (int | None, "null"),
        (float | None, "None"),
        (bool, "1"),
        (bool, "true"),
        (None, "null"),
        (int, "1.0"),
        (int, "1_000"),
        (int, " 1"),
        (int, "\u0661"),
        (float, "1e999"),
        (list[int], "1"),
        (Level, "1"),
        (Literal[1, 2], "1"),
    ],
)
@pytest.mark.parametrize("number_beside_it", ["1", 1])
def test_other_text_is_no_value(hint, text, number_beside_it):
    """Text is never taken for null, for a boolean or for what no JSON number looks like, also
    where another argument's text is a number."""
    with pytest.raises(facade.InvalidArgument, match="'p1'"):
        decode([number_beside_it, text], int, hint)


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        (str, "null", "null"),
        (str | None, "null", "null"),
        (str | int, "12", "12"),
        (Any, "12", "12"),
        (Decimal, "1.50", Decimal("1.50")),
        (Decimal | None, "1", Decimal(1)),
        (UUID, str(UUID(int=12)), UUID(int=12)),
        (bool | str, "true", "true"),
        (dict[str, Any], {"a": "1"}, {"a": "1"}),
        (list[str], ["1", "null"], ["1", "null"]),
    ],
)
def test_text_beside_a_number_stays(hint, text, value):
    """An argument whose number came as text changes nothing about the other arguments."""
    assert decode([TEXT, text], int, hint) == (LONG, value)
    assert decode({"p0": TEXT, "p1": text}, int, hint) == (LONG, value)


def test_message_whose_json_is_text():
    """A message of protobuf's own that is text in JSON is taken as an argument, too."""
    assert decode(["5s", TEXT], Duration, int) == (Duration(seconds=5), LONG)


def test_misfit_is_told_as_it_came():
    """What is wrong beside a number that was text is named, with its argument."""
    with pytest.raises(facade.InvalidArgument, match=r"argument 'p1'.*Expected `int`, got `str`"):
        decode([TEXT, "tea"], int, int)


def test_deep_value_within_a_type_that_contains_itself():
    """Numbers are read at any depth."""

    tree = {"id": TEXT, "leaves": [{"id": "1", "leaves": []}]}
    read = from_json(tree, Tree)
    assert read == Tree(LONG, [Tree(1, [])])


@dataclass
class Tree:
    id: int
    leaves: "list[Tree]"
