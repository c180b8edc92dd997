"""The type hints of interfaces, and what type variables stand for: ``Repo[User]`` as a base
says it."""

import sys
import types
import typing
from collections.abc import Mapping
from typing import Any

# What each type variable of a class stands for.
Known = Mapping[Any, Any]


def bound_in(interface: type) -> dict[type, Known]:
    """For each class that the interface is made of."""
    found: dict[type, Known] = {}
    _follow(interface, {}, found)
    return found


def _follow(cls: Any, known: Known, found: dict[type, Known]) -> None:
    found[cls] = known
    for base in cls.__dict__.get("__orig_bases__", cls.__bases__):
        origin = typing.get_origin(base) or base
        if origin in (object, typing.Generic, typing.Protocol):
            continue
        said = (replaced(_read(argument, cls), known) for argument in typing.get_args(base))
        variables = getattr(origin, "__parameters__", ())
        _follow(origin, dict(zip(variables, said, strict=False)), found)


def _read(argument: Any, cls: type) -> Any:
    """``Repo["User"]``, too."""
    names = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
    holder = types.SimpleNamespace(__annotations__={"it": argument})
    return hints_of(holder, f"a base of {cls.__module__}.{cls.__qualname__}", names)["it"]


def hints_of(annotated: Any, where: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """As they are meant where they are text. TypeError for what can't be read."""
    try:
        return typing.get_type_hints(annotated, globalns=names, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"{where}: its type hints name {error.name!r}, which is not defined"
        ) from None
    except (AttributeError, SyntaxError, TypeError) as error:
        raise TypeError(f"{where}: its type hints can't be read: {error}") from None


def replaced(hint: Any, known: Known) -> Any:
    """The hint, with what its type variables stand for. Those that are not known stay."""
    if not known:
        return hint
    if isinstance(hint, typing.TypeVar):
        return known.get(hint, hint)
    variables = getattr(hint, "__parameters__", ())
    if isinstance(hint, type) or not variables:
        return hint
    return hint[tuple(known.get(variable, variable) for variable in variables)]
