import math
from decimal import Decimal

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Value
from hypothesis import given
from hypothesis import strategies as st

from facade.jsonvalue import from_value, to_value
from facade.v1.exchange_pb2 import Frame

EXACT = 2**53

texts = st.text()  # without lone surrogates: hypothesis makes them only when asked
numbers = st.integers(-EXACT, EXACT) | st.floats(allow_nan=False, allow_infinity=False)
plains = st.recursive(
    st.none() | st.booleans() | texts | numbers,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)


def typed(plain):
    """With the types, as True == 1 and 1 == 1.0 would hide a change; whole floats are ints."""
    if isinstance(plain, list):
        return [typed(item) for item in plain]
    if isinstance(plain, dict):
        return {name: typed(item) for name, item in plain.items()}
    if isinstance(plain, float) and plain.is_integer() and abs(plain) <= EXACT:
        plain = int(plain)
    return type(plain).__name__, plain


@given(plains)
def test_plain_values_come_back(plain):
    """What JSON can hold survives the way there and back, types included."""
    assert typed(from_value(to_value(plain))) == typed(plain)


@given(plains)
def test_serialized_values_come_back(plain):
    """It survives as bytes on a wire too: nothing is held beside the message."""
    sent = to_value(plain).SerializeToString()
    assert typed(from_value(Value.FromString(sent))) == typed(plain)


@given(plains)
def test_protobufs_own_json_agrees(plain):
    """Tools that make a Value from JSON make what we make, and read what we write."""
    ours = to_value(plain)
    assert MessageToDict(ours) == plain
    assert from_value(ParseDict(plain, Value())) == from_value(ours)


@given(st.integers(min_value=EXACT + 1) | st.integers(max_value=-EXACT - 1))
def test_integers_that_json_would_round_go_as_text(number):
    """A number beyond 2**53 would change on its way: it goes as text instead."""
    assert from_value(to_value(number)) == str(number)


@pytest.mark.parametrize("number", [EXACT, -EXACT, EXACT - 1])
def test_the_largest_exact_integers_go_as_numbers(number):
    """Up to 2**53 a number is a number."""
    value = to_value(number)
    assert value.WhichOneof("kind") == "number_value"
    assert from_value(value) == number


@pytest.mark.parametrize(("number", "kind"), [(2.0, int), (2.5, float), (1e300, float), (0.0, int)])
def test_number_without_a_fraction_is_an_int(number, kind):
    """JSON has one kind of number: whole ones that are exact become int."""
    plain = from_value(to_value(number))
    assert type(plain) is kind
    assert plain == number


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_numbers_that_json_lacks_go_as_text(number):
    """What a JSON number can't be is still readable."""
    assert from_value(to_value(number)) == str(number)


@pytest.mark.parametrize(("plain", "kind"), [({}, "struct_value"), ([], "list_value")])
def test_empty_containers_stay_what_they_are(plain, kind):
    """An empty object is no empty list, nor null."""
    assert to_value(plain).WhichOneof("kind") == kind
    assert from_value(to_value([plain])) == [plain]


def test_tuples_are_lists():
    """Arguments are a tuple, and JSON has lists alone."""
    assert from_value(to_value((1, ("a", None)))) == [1, ["a", None]]


def test_keys_are_text():
    """JSON's names are text, so other keys are written as one."""
    assert from_value(to_value({1: "a", None: "b"})) == {"1": "a", "None": "b"}


def test_value_that_was_never_set_is_none():
    """A Value that a client left empty is null."""
    assert from_value(Value()) is None


@pytest.mark.parametrize("plain", [b"bytes", {1, 2}, Decimal(1), object(), [b"inside"]])
def test_what_json_has_no_form_for_is_refused(plain):
    """The text names the type."""
    with pytest.raises(TypeError, match="has no form in JSON") as caught:
        to_value(plain)
    inner = plain[0] if isinstance(plain, list) else plain
    assert str(caught.value) == f"{type(inner).__qualname__} has no form in JSON"


def nested(lists, objects):
    plain = None
    for number in range(lists + objects):
        plain = [plain] if number < lists else {"in": plain}
    return plain


@pytest.mark.parametrize(("lists", "objects"), [(48, 0), (0, 32), (47, 1), (2, 31)])
def test_the_deepest_value_can_be_read(lists, objects):
    """In the frame that it travels in; one more level is refused where the value is made."""
    frame = Frame()
    frame.envelopes.add().result.value.CopyFrom(to_value(nested(lists, objects)))
    (envelope,) = Frame.FromString(frame.SerializeToString()).envelopes
    assert from_value(envelope.result.value) == nested(lists, objects)
    with pytest.raises(ValueError, match="nested too deep"):
        to_value([nested(lists, objects)])
