"""Which arguments fit a method, and what is said of those that do not."""

from contextlib import suppress
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facade.codec import ANY, MSGPACK, RAW, VALUE, MethodCodec
from facade.core import Code, InvalidArgument, Method, Parameter, Sent, Status
from facade.jsonvalue import to_value


def codec(*parameters, returns=None):
    return MethodCodec(Method("demo.Shop", "buy", parameters, returns))


# buy(item: str, count: int = ..., *, gift: bool = ...)
BUY = codec(
    Parameter("item", str),
    Parameter("count", int, required=False),
    Parameter("gift", bool, required=False, keyword_only=True),
)
# buy(*, item: str, count: int = ...)
NAMED = codec(
    Parameter("item", str, keyword_only=True),
    Parameter("count", int, required=False, keyword_only=True),
)


def packed(plain):
    return MSGPACK, msgspec.msgpack.encode(plain)


def json(plain):
    return VALUE, to_value(plain)


both_encodings = pytest.mark.parametrize("encode", [packed, json], ids=["msgpack", "value"])


def misfit(call, *arguments):
    """The text of the InvalidArgument that ``call`` raises, without the method's name."""
    with pytest.raises(InvalidArgument) as caught:
        call(*arguments)
    error = caught.value
    assert error.message.startswith("demo.Shop.buy: ")
    assert error.sent is Sent.NOT_SENT
    assert (error.code, error.status) == (Code.SERIALIZATION, Status.INVALID_ARGUMENT)
    return error.message.removeprefix("demo.Shop.buy: ")


# How a call travels


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [
        (("tea",), None),
        (("tea", 2), None),
        (("tea",), {"gift": True}),
        (("tea", 2), {"gift": True}),
    ],
)
def test_call_arrives_as_it_was_made(arguments, keywords):
    """By position as far as possible, the rest by name; what was left out stays left out."""
    assert BUY.decode_arguments(BUY.encode_arguments(arguments, keywords)) == (arguments, keywords)


@pytest.mark.parametrize(
    ("keywords", "arrived"),
    [
        ({"item": "tea"}, (("tea",), None)),
        ({"count": 2, "item": "tea"}, (("tea", 2), None)),
        ({"gift": True, "item": "tea"}, (("tea",), {"gift": True})),
    ],
)
def test_names_may_be_used_for_any_argument(keywords, arrived):
    """Whether it is given by position or by name makes no difference to the method."""
    assert BUY.decode_arguments(BUY.encode_arguments((), keywords)) == arrived


def test_default_in_the_middle_may_be_left_out():
    """What comes after an argument that was left out goes by name."""
    sent = codec(
        Parameter("a", int),
        Parameter("b", int, required=False),
        Parameter("c", int, required=False),
    )
    assert sent.decode_arguments(sent.encode_arguments((1,), {"c": 3})) == ((1,), {"c": 3})


def test_method_without_parameters():
    """Nothing is sent, and nothing arrives."""
    assert codec().decode_arguments(codec().encode_arguments((), None)) == ((), None)


@both_encodings
@pytest.mark.parametrize(
    ("plain", "arrived"),
    [
        (["tea"], (("tea",), None)),
        (["tea", 2], (("tea", 2), None)),
        ({"item": "tea"}, (("tea",), None)),
        ({"item": "tea", "count": 2}, (("tea", 2), None)),
        ({"gift": True, "item": "tea"}, (("tea",), {"gift": True})),
    ],
)
def test_list_is_by_position_and_object_by_name(encode, plain, arrived):
    """Any client may choose how it gives the arguments."""
    assert BUY.decode_arguments(encode(plain)) == arrived


@both_encodings
def test_keyword_only_arguments_come_by_name(encode):
    """They have no position."""
    assert NAMED.decode_arguments(encode({"item": "tea"})) == ((), {"item": "tea"})


def test_absent_json_is_no_arguments():
    """A client that sends nothing calls with nothing."""
    assert codec().decode_arguments(json(None)) == ((), None)
    assert misfit(BUY.decode_arguments, json(None)) == "missing argument 'item'"


@given(st.lists(st.integers(-(2**63), 2**64 - 1), min_size=14, max_size=40))
def test_any_number_of_arguments(numbers):
    """There is no largest number of arguments; beyond 15 they are written in another way."""
    sent = codec(*(Parameter(f"n{i}", int) for i in range(len(numbers))))
    given = tuple(numbers)
    assert sent.decode_arguments(sent.encode_arguments(given, None)) == (given, None)


def test_many_arguments_by_name():
    """So it is for names."""
    parameters = [Parameter(f"n{i}", int, keyword_only=True) for i in range(20)]
    keywords = {p.name: i for i, p in enumerate(parameters)}
    sent = codec(*parameters)
    assert sent.decode_arguments(sent.encode_arguments((), keywords)) == ((), keywords)


# What does not fit, told before it is sent


@pytest.mark.parametrize(
    ("sent", "arguments", "keywords", "text"),
    [
        (BUY, (), None, "missing a required argument: 'item'"),
        (BUY, (), {"count": 1}, "missing a required argument: 'item'"),
        (BUY, ("tea", 2, True), None, "too many positional arguments"),
        (BUY, ("tea",), {"item": "tea"}, "multiple values for argument 'item'"),
        (BUY, ("tea",), {"colour": 1}, "got an unexpected keyword argument 'colour'"),
        (NAMED, ("tea",), None, "too many positional arguments"),
        (NAMED, (), {}, "missing a required argument: 'item'"),
    ],
)
def test_call_that_does_not_fit_is_not_sent(sent, arguments, keywords, text):
    """The caller learns at once, in the words that Python has for it."""
    assert misfit(sent.encode_arguments, arguments, keywords) == text


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (object(), "object can't be encoded; use a dataclass, or plain types"),
        ([object()], "object can't be encoded; use a dataclass, or plain types"),
        (2**64, "can't serialize ints < -2**63 or > 2**64 - 1"),
        ("\ud800", "surrogates not allowed"),
    ],
    ids=["object", "inside a list", "long integer", "broken text"],
)
def test_value_that_cannot_be_encoded_is_not_sent(value, why):
    """The text names the argument and says why, whether it is given by position or by name."""
    text = misfit(BUY.encode_arguments, ("tea", value), None)
    assert text.startswith("argument 'count' can't be sent: ")
    assert text.endswith(why)
    assert misfit(BUY.encode_arguments, ("tea",), {"gift": value}).startswith("argument 'gift' ")


def test_value_that_contains_itself_is_not_sent():
    """A list inside of itself has no end: that is an error of the caller's."""
    endless = []
    endless.append(endless)
    assert misfit(BUY.encode_arguments, (endless,), None).startswith(
        "argument 'item' can't be sent"
    )


# What does not fit, told by the provider


@both_encodings
@pytest.mark.parametrize(
    ("sent", "plain", "text"),
    [
        (BUY, [], "missing argument 'item'"),
        (BUY, ["tea", 2, True], "takes 2 positional arguments, and 3 were given"),
        (BUY, [5], "argument 'item': Expected `str`, got `int`"),
        (BUY, ["tea", "two"], "argument 'count': Expected `int`, got `str`"),
        (BUY, {"item": "tea", "gift": "x"}, "argument 'gift': Expected `bool`, got `str`"),
        (NAMED, ["tea"], "missing argument 'item'"),
        (NAMED, {"item": 5}, "argument 'item': Expected `str`, got `int`"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(encode, sent, plain, text):
    """Each is named, with what was expected and what came."""
    assert misfit(sent.decode_arguments, encode(plain)) == text


@both_encodings
def test_missing_name_is_refused(encode):
    """Who gives arguments by name learns which one is missing."""
    assert "`item`" in misfit(BUY.decode_arguments, encode({"count": 2}))


@both_encodings
def test_unknown_name_is_refused(encode):
    """A misspelt argument is not passed over."""
    assert "`colour`" in misfit(BUY.decode_arguments, encode({"item": "tea", "colour": 1}))


@both_encodings
def test_place_inside_of_an_argument_is_told(encode):
    """For a wrong value deep inside the text says where."""

    class Order(msgspec.Struct):
        counts: list[int]

    sent = codec(Parameter("orders", list[Order]))
    text = misfit(sent.decode_arguments, encode([[{"counts": [1, "two"]}]]))
    assert text.startswith("argument 'orders' (at ")
    assert "counts" in text
    assert text.endswith("): Expected `int`, got `str`")


@both_encodings
def test_wrong_key_of_an_argument_is_told(encode):
    """A dict with a key of a wrong type: the argument is named too."""
    sent = codec(Parameter("counts", dict[int, int]))
    assert "'counts'" in misfit(sent.decode_arguments, encode([{"two": 2}]))


def test_one_of_many_that_does_not_fit_is_named():
    """Beyond 15 arguments the text is as good."""
    sent = codec(*(Parameter(f"n{i}", int) for i in range(20)))
    plain = [*range(16), "x", *range(3)]
    assert misfit(sent.decode_arguments, packed(plain)) == (
        "argument 'n16': Expected `int`, got `str`"
    )
    assert misfit(sent.decode_arguments, packed(plain[:18])) == "missing argument 'n18', 'n19'"


def test_constraints_of_a_hint_are_checked():
    """What msgspec.Meta says of an argument holds for whoever calls."""
    sent = codec(Parameter("count", Annotated[int, msgspec.Meta(ge=1)]))
    assert misfit(sent.decode_arguments, packed([0])) == "argument 'count': Expected `int` >= 1"


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (packed(5), "arguments are an array or a map, not int"),
        (packed("tea"), "arguments are an array or a map, not str"),
        (json("tea"), "arguments are a list or an object, not str"),
        (json(True), "arguments are a list or an object, not bool"),
        ((RAW, b"tea"), "arguments come as msgpack or value, not as raw"),
        ((ANY, None), "arguments come as msgpack or value, not as any"),
    ],
)
def test_what_are_no_arguments_at_all(payload, text):
    """A payload that is no list of arguments says what it should be."""
    assert misfit(BUY.decode_arguments, payload) == text


# Nothing that a peer sends does harm


LOOSE = codec(Parameter("a", int | str | list | None), Parameter("b", dict, required=False))


@given(st.binary())
def test_garbage_is_an_invalid_argument(content):
    """Bytes that are no msgpack, or not ours, end in InvalidArgument and in nothing else."""
    for sent in (BUY, NAMED, LOOSE):
        with suppress(InvalidArgument):
            sent.decode_arguments((MSGPACK, content))


@pytest.mark.parametrize(
    "content",
    [b"\x91\xa1\xff", b"\x81\xa1\xff\x00", b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff", b""],
    ids=["text that is no UTF-8", "name that is no UTF-8", "too deep", "too long", "empty"],
)
def test_malice_is_an_invalid_argument(content):
    """Broken text, endless nesting and false lengths are the caller's fault, and said so."""
    sent = codec(Parameter("a", Any))
    misfit(sent.decode_arguments, (MSGPACK, content))


# What can't be a method


class Connection:
    """Nothing that has a form on the wire."""


class Session(msgspec.Struct):
    connections: dict[str, list[Connection]]


@pytest.mark.parametrize(
    ("parameters", "returns"),
    [
        ((Parameter("connection", Connection),), None),
        ((), Connection),
        ((Parameter("session", Session | None),), None),
    ],
    ids=["argument", "result", "deep inside"],
)
def test_type_that_cannot_travel_is_refused_at_once(parameters, returns):
    """A hint of a class that has no form on the wire fails before any call."""
    with pytest.raises(TypeError, match=r"demo\.Shop\.buy: .*Connection"):
        codec(*parameters, returns=returns)


def test_union_that_cannot_be_told_apart_is_refused_at_once():
    """Two classes of one form would be a guess: the text names the method."""

    class One(msgspec.Struct):
        a: int

    class Two(msgspec.Struct):
        b: int

    with pytest.raises(TypeError, match=r"demo\.Shop\.buy: .*union"):
        codec(Parameter("either", One | Two))
