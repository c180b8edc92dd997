"""google.protobuf.Value to plain Python values and back."""

import math
from typing import Any

from google.protobuf.struct_pb2 import Value

# Beyond it a JSON number is no longer exact. Protobuf's JSON writes such integers as text.
_EXACT = 2**53

# Parsers of protobuf read a hundred messages inside of each other; a frame, its envelope and what
# that has are around the value. A list is two more, an object three.
_DEEPEST = 97


def from_value(value: Value) -> Any:
    """A number without a fraction becomes an int."""
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) <= _EXACT else number
    if kind == "struct_value":
        return {name: from_value(item) for name, item in value.struct_value.fields.items()}
    if kind == "list_value":
        return [from_value(item) for item in value.list_value.values]
    return getattr(value, kind) if kind not in (None, "null_value") else None


def to_value(plain: Any) -> Value:
    """From None, bool, int, float, str, and lists, tuples and dicts of them. ValueError for what
    is nested so deep that no peer could read it."""
    value = Value()
    _fill(value, plain, _DEEPEST)
    return value


def _fill(value: Value, plain: Any, room: int) -> None:
    if room < 0:
        raise ValueError("it is nested too deep for google.protobuf.Value: beyond 48 lists")
    if plain is None:
        value.null_value = 0  # type: ignore[assignment]
    elif isinstance(plain, bool):
        value.bool_value = plain
    elif isinstance(plain, str):
        value.string_value = plain
    elif isinstance(plain, (int, float)):
        if (abs(plain) > _EXACT and isinstance(plain, int)) or not math.isfinite(plain):
            value.string_value = str(plain)
        else:
            value.number_value = plain
    elif isinstance(plain, dict):
        fields = value.struct_value.fields  # reading it makes an empty object an object
        value.struct_value.SetInParent()
        for name, item in plain.items():
            _fill(fields[str(name)], item, room - 3)
    elif isinstance(plain, (list, tuple)):
        value.list_value.SetInParent()
        for item in plain:
            _fill(value.list_value.values.add(), item, room - 2)
    else:
        raise TypeError(f"{type(plain).__qualname__} has no form in JSON")
