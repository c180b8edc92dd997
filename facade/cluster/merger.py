"""How several answers become one."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import chain
from typing import Any, get_origin

from facade.core.hint import hint

Merger = Callable[[Sequence[Any]], Any]


def _dicts(values: Sequence[Mapping[Any, Any]]) -> dict[Any, Any]:
    return {key: value for each in values for key, value in each.items()}


MERGERS: Mapping[str, Merger] = {
    "list": lambda values: list(chain.from_iterable(values)),
    "tuple": lambda values: tuple(chain.from_iterable(values)),
    "set": lambda values: set(chain.from_iterable(values)),
    "frozenset": lambda values: frozenset(chain.from_iterable(values)),
    "dict": _dicts,
    "sum": sum,
    "min": min,
    "max": max,
    "any": any,
    "all": all,
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
}

# What "default" is for a type.
_OF_TYPE = {int: "sum", float: "sum", list: "list", tuple: "tuple", set: "set", dict: "dict"}
_OF_TYPE[frozenset] = "frozenset"


def merger(name: str | Merger) -> Merger | None:
    """By its name; ".union" is for the method of that name, which the first value has, called
    with the second, and so on. None for "default", which is found by the type of the values.

    ValueError for a name that there is not.
    """
    if not isinstance(name, str):
        return name
    if name in ("default", "true"):
        return None
    if name.startswith(".") and name[1:].isidentifier():
        return lambda values: reduce(lambda one, two: _called(one, name[1:], two), values)
    if name not in MERGERS:
        meant = hint(name, MERGERS, f"there are: default, {', '.join(MERGERS)}")
        raise ValueError(f"merger={name!r} is not known: {meant}")
    return MERGERS[name]


def _called(one: Any, name: str, two: Any) -> Any:
    merged = getattr(one, name)(two)
    return one if merged is None else merged  # list.extend gives nothing


def default_merger(returns: Any, values: Sequence[Any]) -> Merger | None:
    """That for what the method returns, or else for what came. None where there is none."""
    declared = get_origin(returns) or returns
    for kind in (declared, type(values[0])):
        if isinstance(kind, type) and kind in _OF_TYPE:
            return MERGERS[_OF_TYPE[kind]]
    return None
