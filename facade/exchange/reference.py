"""Callback arguments on the wire: a reference goes in place of what can be called.

Both ends read off the same type hints what can be called, and with which values. All of
it is built when the interface is referred to or exported.
"""

import typing
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Annotated, Any

import msgspec

from facade.callbacks import callback_type, is_function, takes_none
from facade.codec import (
    MSGPACK,
    Arguments,
    Codec,
    MethodCodec,
    Payload,
    StreamCodec,
    decode_plain,
    encode_plain,
)
from facade.core.errors import InvalidArgument, Sent
from facade.core.invocation import Invocation
from facade.core.method import Method, Parameter, Service
from facade.jsonvalue import from_value
from facade.service import describe

# The service that calls back are addressed to, and the attachment that says which callback
# is meant. (Dubbo: the attachment of this name)
SERVICE = "facade.Callback"
INSTANCE = "callback.service.instid"

# The method of a callback that is a plain function.
CALL = "call"


class Reference(msgspec.Struct, frozen=True):
    """Stands for a callback among the arguments: its number on this stream."""

    callback: Annotated[int, msgspec.Meta(ge=1)]


# Given the interface and the argument, what to put in the argument's place.
Change = Callable[["CallbackInterface", Any], Any]


class CallbackInterface:
    """What can be called on a callback: a function, or the methods of a class."""

    __slots__ = ("codecs", "key", "methods", "name", "optional", "remote", "timeout", "type")

    def __init__(self, where: str, hint: Any) -> None:
        kind = callback_type(hint)
        self.optional = takes_none(hint)
        self.timeout: float | None = None
        # None for a function.
        self.type: type | None = None
        # What the provider makes of it, once it needs one.
        self.remote: type | None = None
        if is_function(kind):
            methods = {CALL: _function(where, kind)}
        else:
            service = _describe(kind)
            methods, self.timeout = dict(service.methods), service.timeout
            if "__call__" not in vars(kind):
                self.type = kind
        for method in methods.values():
            if method.callbacks:
                raise TypeError(
                    f"{where}: {method.name} takes a callback, and a callback can't be given one"
                )
            if method.streaming:
                raise TypeError(f"{where}: {method.name} has streams, and a callback can't")
        self.name = _name(kind)
        self.methods = methods
        self.codecs: dict[str, Codec] = {
            name: OpenCodec(method) if _is_open(kind) else MethodCodec(method)
            for name, method in methods.items()
        }
        # The same object may be handed over by several parameters: where they are of one
        # type it is the same callback.
        self.key: Any = kind if _is_hashable(kind) else self

    def functions(self, target: Any) -> dict[str, Callable[..., Any]] | None:
        """What is called on ``target``, by the names of the methods. None where it can't be."""
        if self.type is None:
            return {CALL: target} if callable(target) else None
        found = {name: getattr(target, name, None) for name in self.methods}
        return found if all(map(callable, found.values())) else None  # type: ignore[return-value]

    @property
    def expected(self) -> str:
        what = "a callable" if self.type is None else f"an object with {', '.join(self.methods)}"
        return f"{what} ({self.name}){' or None' if self.optional else ''}"


class CallbackCodec(MethodCodec):
    """That of a method some of whose arguments are callbacks: it takes references for them."""

    def __init__(self, method: Method) -> None:
        self.callbacks = {
            p.name: CallbackInterface(f"{method}({p.name})", p.type)
            for p in method.parameters
            if p.name in method.callbacks
        }
        positional = [p.name for p in method.parameters if not p.keyword_only]
        self._by_position = [
            (positional.index(name), interface)
            for name, interface in self.callbacks.items()
            if name in positional
        ]
        on_wire = tuple(self._on_wire(p) for p in method.parameters)
        super().__init__(method._replace(parameters=on_wire))

    def _on_wire(self, parameter: Parameter) -> Parameter:
        interface = self.callbacks.get(parameter.name)
        if interface is None:
            return parameter
        return parameter._replace(type=Reference | None if interface.optional else Reference)

    def substitute(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None, change: Change
    ) -> Arguments:
        """The arguments, with what ``change`` makes of each callback among them."""
        changed = list(arguments)
        for index, interface in self._by_position:
            if index < len(changed):
                changed[index] = change(interface, changed[index])
        if not keywords:
            return tuple(changed), keywords
        return tuple(changed), {
            name: change(self.callbacks[name], value) if name in self.callbacks else value
            for name, value in keywords.items()
        }

    def refuse_callbacks(self, invocation: Invocation, why: str) -> None:
        """InvalidArgument for a call that has any, where they can't be called back."""

        def refuse(interface: CallbackInterface, argument: Any) -> None:
            if argument is not None:
                raise InvalidArgument(
                    f"{invocation}: {self._name_of(interface)} can't be called back: {why}",
                    sent=Sent.NOT_SENT,
                )

        self.substitute(invocation.arguments, invocation.keywords, refuse)

    def check(self, interface: CallbackInterface, argument: Any) -> dict[str, Callable[..., Any]]:
        """The functions to be called. InvalidArgument, which says what was expected."""
        functions = interface.functions(argument)
        if functions is None:
            raise self._misfit(
                f"argument {self._name_of(interface)!r}: expected {interface.expected}, "
                f"got {type(argument).__name__}"
            )
        return functions

    def _name_of(self, interface: CallbackInterface) -> str:
        return next(name for name, known in self.callbacks.items() if known is interface)


class OpenCodec(MethodCodec):
    """That of ``Callable[..., R]``: whatever is plain, all by position or all by name."""

    def encode_arguments(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None
    ) -> Payload:
        if arguments and keywords:
            raise self._misfit("give arguments by position or by name")
        try:
            return MSGPACK, encode_plain(keywords or arguments)
        except Exception as error:
            raise self._misfit(str(error)) from None

    def decode_arguments(self, payload: Payload) -> Arguments:
        encoding, content = payload
        try:
            plain = decode_plain(content) if encoding == MSGPACK else from_value(content)
        except Exception as error:
            raise self._misfit(str(error)) from None
        if isinstance(plain, dict) and all(isinstance(name, str) for name in plain):
            return (), plain
        if plain is None or isinstance(plain, (list, tuple)):
            return tuple(plain or ()), None
        raise InvalidArgument(f"{self.method}: arguments are a list or a map", sent=Sent.NOT_SENT)


def method_codec(method: Method) -> MethodCodec:
    """The codec of a method, whatever its arguments are. TypeError for types that can't travel."""
    if method.streaming:
        return StreamCodec(method)
    return CallbackCodec(method) if method.callbacks else MethodCodec(method)


def _function(where: str, kind: Any) -> Method:
    """A ``Callable[[A, B], R]`` as a method."""
    taken, returned = typing.get_args(kind) or (..., Any)
    kinds = taken if isinstance(taken, list) else []
    parameters = tuple(Parameter(f"arg{n}", kind) for n, kind in enumerate(kinds, 1))
    return Method(
        service=where,
        name=CALL,
        parameters=parameters,
        returns=_awaited(returned),
        callbacks=tuple(p.name for p in parameters if callback_type(p.type) is not None),
    )


def _describe(kind: type) -> Service:
    call = vars(kind).get("__call__")
    if call is None:
        return describe(kind)
    # A Protocol of a function, which says the names of its arguments.
    service = describe(type(kind.__name__, (), {CALL: call}))
    others = [name for name in vars(kind) if not name.startswith("_")]
    if others:
        raise TypeError(
            f"{kind.__qualname__} has __call__ and {', '.join(others)}: a callback is a function, "
            "or has methods"
        )
    return service


def _is_open(kind: Any) -> bool:
    return is_function(kind) and not isinstance((typing.get_args(kind) or (...,))[0], list)


def _awaited(hint: Any) -> Any:
    """Of a function that returns ``Awaitable[R]``, the R."""
    origin = typing.get_origin(hint) or hint
    if isinstance(origin, type) and (issubclass(origin, (Awaitable, Future))):
        return (typing.get_args(hint) or (Any,))[-1]
    return hint


def _is_hashable(kind: Any) -> bool:
    try:
        hash(kind)
    except TypeError:
        return False
    return True


def _name(kind: Any) -> str:
    if isinstance(kind, type):
        return kind.__qualname__
    return f"Callable{str(kind).partition('Callable')[2]}".replace("NoneType", "None")
