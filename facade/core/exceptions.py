"""Exceptions of methods that come back as themselves: Python's own and declared ones.

Only a name and plain arguments travel. A name that this end does not know becomes a
``RemoteError``: no class is ever looked up by what a peer says.
"""

import builtins
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from facade.core.errors import RpcError

E = TypeVar("E", bound=type[Exception])

_BUILTIN: dict[str, type[Exception]] = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, Warning)
}
_classes = dict(_BUILTIN)
_names: dict[type[BaseException], str] = {cls: cls.__name__ for cls in _BUILTIN.values()}


def error(name: str) -> Callable[[E], E]:
    """Declare an exception class, so that it crosses the wire under ``name`` as itself.

    Both ends import the class. It is made anew from the values that its constructor
    was given: keep each in an attribute of the parameter's name, or hand all of them
    to ``super().__init__``. ValueError where the name is taken by another class.
    """

    def declare(exception: E) -> E:
        if not (isinstance(exception, type) and issubclass(exception, Exception)):
            raise TypeError(f"facade.error({name!r}) goes on an exception class, not {exception!r}")
        if issubclass(exception, RpcError):
            raise TypeError(
                f"{exception.__name__} is an RpcError, which travels by code and status: derive "
                "a declared error from Exception"
            )
        known = _classes.get(name)
        # The same class again is a module that was reloaded.
        if known is not None and _origin(known) != _origin(exception):
            raise ValueError(
                f"the error name {name!r} is taken by {'.'.join(_origin(known))}: "
                f"choose another for {'.'.join(_origin(exception))}"
            )
        _classes[name] = exception
        _names[exception] = name
        return exception

    return declare


def _origin(exception: type[Exception]) -> tuple[str, str]:
    return exception.__module__, exception.__qualname__


def wire_name(exception: BaseException) -> str:
    """Name under which it travels: the declared one, or that of its class."""
    cls = type(exception)
    return _names.get(cls) or f"{cls.__module__}.{cls.__qualname__}"


def is_known(exception: BaseException) -> bool:
    """Whether the class travels by name."""
    return type(exception) in _names


def is_declared(exception: BaseException) -> bool:
    """Whether somebody declared the class with ``facade.error``: it is meant for callers."""
    return is_known(exception) and type(exception) not in _BUILTIN.values()


def text_of(exception: BaseException) -> str:
    """What it says; of one that can't, that."""
    if isinstance(exception, RpcError):
        return exception.message
    try:
        return str(exception)
    except Exception as problem:
        return f"(its text can't be made: {type(problem).__name__})"


def wire_arguments(exception: BaseException) -> tuple[Any, ...]:
    """What its constructor needs to make it anew."""
    parameters = _constructor_parameters(type(exception))
    if parameters is not None and all(hasattr(exception, name) for name in parameters):
        return tuple(getattr(exception, name) for name in parameters)
    if isinstance(exception, OSError) and exception.filename is not None:
        return (*exception.args, exception.filename)  # args alone leave it out
    return exception.args


def restore(name: str, arguments: tuple[Any, ...]) -> Exception | None:
    """Make the exception called ``name`` again. None where this end does not know it."""
    cls = _classes.get(name)
    if cls is None:
        return None
    try:
        return cls(*arguments)
    except Exception:  # its constructor takes something else here than at the other end
        return None


def _constructor_parameters(cls: type[BaseException]) -> tuple[str, ...] | None:
    """None where it takes anything, as Python's own do, and keeps it in ``args``."""
    constructor = cls.__init__
    if not inspect.isfunction(constructor):
        return None
    parameters = list(inspect.signature(constructor).parameters.values())[1:]
    if any(p.kind in (p.VAR_POSITIONAL, p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters):
        return None
    return tuple(p.name for p in parameters)
