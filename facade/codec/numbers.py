"""Numbers that JSON has as text: read where a number is meant, and nowhere else."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from msgspec import inspect

_NO_TEXT = (inspect.NoneType, inspect.BoolType)


def read_numbers(plain: Any, hint: Any) -> Any:
    """The same plain value, with numbers in place of their text wherever ``hint`` wants a
    number and takes no text."""
    return _read(plain, inspect.type_info(hint))


def _read(plain: Any, info: Any) -> Any:
    kinds = _kinds(info)
    if isinstance(plain, str):
        return _number(plain, kinds)
    if isinstance(plain, (list, tuple)):
        fitting = [kind for kind in kinds if _is_sequence(kind)]
        return _read_items(plain, fitting[0]) if len(fitting) == 1 else plain
    if isinstance(plain, dict):
        fitting = [kind for kind in kinds if _is_object(kind)]
        if len(fitting) > 1:  # structs: the one whose tag it has
            fitting = [kind for kind in fitting if _has_tag(plain, kind)]
        return _read_entries(plain, fitting[0]) if fitting else plain
    return plain


def _has_tag(plain: dict[str, Any], kind: Any) -> bool:
    tag_field = getattr(kind, "tag_field", None)
    return tag_field is not None and plain.get(tag_field) == kind.tag


def _kinds(info: Any) -> Sequence[Any]:
    while isinstance(info, inspect.Metadata):
        info = info.type
    return info.types if isinstance(info, inspect.UnionType) else (info,)


# By what they have, as msgspec's versions differ in which types they know.


def _is_sequence(kind: Any) -> bool:
    return hasattr(kind, "item_type") or hasattr(kind, "item_types") or _is_row(kind)


def _is_row(kind: Any) -> bool:
    """Fields without their names."""
    return isinstance(kind, inspect.NamedTupleType) or getattr(kind, "array_like", False)


def _is_object(kind: Any) -> bool:
    return hasattr(kind, "key_type") or (hasattr(kind, "fields") and not _is_row(kind))


def _read_items(plain: Sequence[Any], kind: Any) -> list[Any]:
    if hasattr(kind, "item_type"):
        return [_read(item, kind.item_type) for item in plain]
    types = kind.item_types if hasattr(kind, "item_types") else [f.type for f in kind.fields]
    read = [_read(item, info) for item, info in zip(plain, types, strict=False)]
    return [*read, *plain[len(read) :]]


def _read_entries(plain: dict[str, Any], kind: Any) -> dict[str, Any]:
    if hasattr(kind, "key_type"):
        return {name: _read(item, kind.value_type) for name, item in plain.items()}
    types = {field.encode_name: field.type for field in kind.fields}
    return {
        name: _read(item, types[name]) if name in types else item for name, item in plain.items()
    }


def _number(text: str, kinds: Sequence[Any]) -> Any:
    if not text.isascii() or "_" in text or text != text.strip():
        return text  # Python would read it, JSON would not
    readers: list[Callable[[str], Any]] = []
    for kind in kinds:
        if isinstance(kind, inspect.IntType):
            readers.insert(0, int)
        elif isinstance(kind, inspect.FloatType):
            readers.append(_float)
        elif not (isinstance(kind, _NO_TEXT) or _is_sequence(kind) or _is_object(kind)):
            return text  # it takes text
    for reader in readers:
        with suppress(ValueError):
            return reader(text)
    return text


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number) and any(c.isdigit() for c in text):
        raise ValueError("too large to be told from infinity")
    return number
