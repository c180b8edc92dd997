"""Fields of dataclasses that did not come, and have a default."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypedDict, TypeVar

import msgspec
import pytest

from facade.codec import MSGPACK, VALUE, GenericCodec, MethodCodec, decode_plain, encode_plain
from facade.codec.defaults import filler
from facade.core.method import Method, Parameter
from facade.jsonvalue import from_value, to_value

T = TypeVar("T")


@dataclass
class Item:
    a: int
    b: str = "x"


@dataclass(frozen=True)
class Frozen:
    a: int
    b: str = "x"


@dataclass(slots=True)
class Slotted:
    a: int
    b: str = "x"


@dataclass
class Box:
    item: Item
    boxes: "list[Box]" = field(default_factory=list)


class Struct(msgspec.Struct):
    item: Item


@dataclass
class Page(Generic[T]):
    items: list[T]
    more: bool = False


class Rows(msgspec.Struct, Generic[T]):
    rows: list[T]


class Named(TypedDict):
    item: Item


WHOLE = {"a": 1, "b": "x"}

CASES = [
    (Item, {"a": 1}, WHOLE),
    (Frozen, {"a": 1}, WHOLE),
    (Slotted, {"a": 1}, WHOLE),
    (Item | None, {"a": 1}, WHOLE),
    (list[Item], [{"a": 1}, {"a": 1}], [WHOLE, WHOLE]),
    (tuple[int, Item], [5, {"a": 1}], [5, WHOLE]),
    (tuple[Item, ...], [{"a": 1}], [WHOLE]),
    (dict[str, Item | int], {"k": {"a": 1}, "n": 2}, {"k": WHOLE, "n": 2}),
    (Struct, {"item": {"a": 1}}, {"item": WHOLE}),
    (Page[Item], {"items": [{"a": 1}]}, {"items": [WHOLE], "more": False}),
    (Rows[Item], {"rows": [{"a": 1}]}, {"rows": [WHOLE]}),
    (Named, {"item": {"a": 1}}, {"item": WHOLE}),
    (
        Box,
        {"item": {"a": 1}, "boxes": [{"item": {"a": 1}}]},
        {"item": WHOLE, "boxes": [{"item": WHOLE, "boxes": []}]},
    ),
]


def echo(hint: Any) -> MethodCodec:
    return MethodCodec(Method("demo.Echo", "echo", (Parameter("it", hint),), hint))


@pytest.mark.parametrize(("hint", "sent", "whole"), CASES)
def test_argument_that_is_returned_is_whole(hint, sent, whole):
    """A method that returns its argument as it came answers a generic caller with the defaults
    in it."""
    (argument,), _ = echo(hint).decode_arguments((MSGPACK, encode_plain([sent])))
    answer = echo(hint).encode_result(argument, MSGPACK)
    assert GenericCodec("demo.Echo", "echo").decode_result(answer) == whole


@pytest.mark.parametrize(("hint", "sent", "whole"), CASES)
def test_argument_by_name_that_is_returned_is_whole(hint, sent, whole):
    """So does one whose argument came by name, or in JSON."""
    (argument,), _ = echo(hint).decode_arguments((MSGPACK, encode_plain({"it": sent})))
    assert decode_plain(encode_plain(argument)) == whole
    (argument,), _ = echo(hint).decode_arguments((VALUE, to_value([sent])))
    _, answer = echo(hint).encode_result(argument, VALUE)
    assert from_value(answer) == whole


@pytest.mark.parametrize(("hint", "sent", "whole"), CASES)
def test_result_that_is_sent_on_is_whole(hint, sent, whole):
    """What a consumer received, it sends on with the defaults in it."""
    value = echo(hint).decode_result((MSGPACK, encode_plain(sent)))
    _, content = GenericCodec("demo.Echo", "echo").encode_arguments((value,), None)
    assert decode_plain(content) == [whole]


@pytest.mark.parametrize("hint", [int, list[str], dict[str, Any], tuple[int, str], Slotted, Any])
def test_types_without_defaults_cost_nothing(hint):
    """What has no dataclass with a default in it is decoded as ever."""
    assert filler(hint) is None
