"""Which type hints stand for a callback: something that the other end may call."""

import typing
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Any


def callback_type(hint: Any) -> Any:
    """The ``Callable[...]`` or the class of methods that a parameter takes; None for data.

    A class is one where it is a Protocol, or has ``@facade.service``. TypeError for a
    callback that may as well be data.
    """
    hint = _bare(hint)
    if typing.get_origin(hint) not in (typing.Union, UnionType):
        return hint if _is_callback(hint) else None
    members = [_bare(member) for member in typing.get_args(hint) if member is not NoneType]
    found = [member for member in members if _is_callback(member)]
    if found and len(members) > 1:
        raise TypeError("a callback may be None besides, and nothing else")
    return found[0] if found else None


def is_function(kind: Any) -> bool:
    """Whether what ``callback_type`` gave is called itself, and not its methods."""
    return (typing.get_origin(kind) or kind) is Callable


def takes_none(hint: Any) -> bool:
    hint = _bare(hint)
    return typing.get_origin(hint) in (typing.Union, UnionType) and NoneType in typing.get_args(
        hint
    )


def _bare(hint: Any) -> Any:
    """Without an alias or ``Annotated`` around it."""
    while True:
        if typing.get_origin(hint) is typing.Annotated:
            hint = hint.__origin__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            return hint


def _is_callback(hint: Any) -> bool:
    if is_function(hint):
        return True
    return isinstance(hint, type) and (
        getattr(hint, "_is_protocol", False) or "__facade_service__" in vars(hint)
    )
