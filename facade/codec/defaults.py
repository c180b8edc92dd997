"""Defaults of decoded dataclasses, written into them.

msgspec, from 0.22 on, leaves a field that did not come to its class attribute. The object
reads well, but msgspec encodes what is in its ``__dict__``: sent on, the field would be
missing, and a generic caller would never see it. So what is decoded is completed; methods
without such a type pay nothing.
"""

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any, get_origin

import msgspec
from msgspec import inspect

Fill = Callable[[Any], None]


@cache
def _is_needed() -> bool:
    import dataclasses  # is there already, where somebody has one

    @dataclasses.dataclass
    class Probe:
        field: int = 0

    return not vars(msgspec.convert({}, Probe))


def filler(hint: Any) -> Fill | None:
    """What completes a value that was decoded as ``hint``. None where there is nothing to do."""
    try:
        return _cached(hint)
    except TypeError:  # it can't be hashed
        return _make(hint)


def _make(hint: Any) -> Fill | None:
    info = inspect.type_info(hint)
    return _fill_any(info, {}) if _has_defaults(info, set()) and _is_needed() else None


_cached = lru_cache(maxsize=1024)(_make)


def _has_defaults(info: Any, seen: set[int]) -> bool:
    if id(info) in seen:  # a type that contains itself
        return False
    seen.add(id(info))
    if isinstance(info, inspect.DataclassType) and _defaults(_class(info)):
        return True
    return any(_has_defaults(part, seen) for part in _parts(info))


def _parts(info: Any) -> Iterator[Any]:
    for name in ("type", "item_type", "value_type"):
        if hasattr(info, name):
            yield getattr(info, name)
    for name in ("types", "item_types"):
        yield from getattr(info, name, ())
    for field in getattr(info, "fields", ()):
        yield field.type


def _class(kind: Any) -> Any:
    """What its objects are of: ``Page`` of ``Page[int]``."""
    return get_origin(kind.cls) or kind.cls


def _defaults(cls: Any) -> tuple[tuple[str, Any], ...]:
    if not cls.__dictoffset__:  # slots: msgspec fills each
        return ()
    import dataclasses

    fields = dataclasses.fields(cls)
    return tuple((f.name, f.default) for f in fields if f.default is not dataclasses.MISSING)


def _fill_any(info: Any, known: dict[int, Any]) -> Fill | None:
    """By what a value is: a hint may be a union."""
    while isinstance(info, inspect.Metadata):
        info = info.type
    by_type: dict[type, Fill] = {}
    for kind in info.types if isinstance(info, inspect.UnionType) else (info,):
        fill = _fill_kind(kind, known)
        if fill is not None:
            by_type.update(dict.fromkeys(_types(kind), fill))
    if not by_type:
        return None

    def fill_any(value: Any) -> None:
        fill = by_type.get(type(value))
        if fill is not None:
            fill(value)

    return fill_any


def _types(kind: Any) -> tuple[type, ...]:
    if hasattr(kind, "item_type") or hasattr(kind, "item_types"):
        return (list, tuple, set, frozenset)
    if hasattr(kind, "cls") and not isinstance(kind, inspect.TypedDictType):
        return (_class(kind),)
    return (dict,)


def _fill_kind(kind: Any, known: dict[int, Any]) -> Fill | None:
    if hasattr(kind, "item_type"):
        return _each(_fill_any(kind.item_type, known), iter)
    if hasattr(kind, "value_type"):
        return _each(_fill_any(kind.value_type, known), dict.values)
    if hasattr(kind, "item_types"):
        return _in_place([_fill_any(item, known) for item in kind.item_types])
    if hasattr(kind, "fields"):
        if id(kind) not in known:
            known[id(kind)] = fields = _Fields(kind)
            fields.find(known)
        return known[id(kind)]  # type: ignore[no-any-return]
    return None


def _each(fill: Fill | None, values: Callable[[Any], Any]) -> Fill | None:
    if fill is None:
        return None

    def fill_each(container: Any) -> None:
        for value in values(container):
            fill(value)

    return fill_each


def _in_place(fills: list[Fill | None]) -> Fill | None:
    wanted = [(place, fill) for place, fill in enumerate(fills) if fill is not None]
    if not wanted:
        return None

    def fill_in_place(values: Any) -> None:
        for place, fill in wanted:
            fill(values[place])

    return fill_in_place


class _Fields:
    """Completes objects of one class, and what is in them."""

    __slots__ = ("_defaults", "_get", "_inner", "_kind")

    def __init__(self, kind: Any) -> None:
        is_dataclass = isinstance(kind, inspect.DataclassType)
        self._kind = kind
        self._get: Any = dict.get if isinstance(kind, inspect.TypedDictType) else getattr
        self._defaults = _defaults(_class(kind)) if is_dataclass else ()
        self._inner: list[tuple[str, Fill]] = []

    def find(self, known: dict[int, Any]) -> None:
        """Look into the fields, now that this is known: they may lead back here."""
        for field in self._kind.fields:
            fill = _fill_any(field.type, known)
            if fill is not None:
                self._inner.append((field.name, fill))

    def __call__(self, value: Any) -> None:
        if self._defaults:
            own = value.__dict__
            for name, default in self._defaults:
                if name not in own:
                    own[name] = default
        for name, fill in self._inner:
            fill(self._get(value, name))
