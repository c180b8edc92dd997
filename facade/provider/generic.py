"""``$invoke``: a call within a call, for who has Dubbo's generic calls in mind."""

from collections.abc import Mapping
from typing import Any

from facade.codec import Payload
from facade.codec.method import MethodCodec
from facade.codec.payload import MSGPACK, VALUE, Arguments, encode_plain
from facade.core.errors import InvalidArgument, Sent, Unimplemented
from facade.core.hint import suggest
from facade.core.method import Method
from facade.exchange.answering import Export
from facade.jsonvalue import to_value


def is_invoke(method: Method) -> bool:
    return method.name in ("$invoke", "$invokeAsync")


class InvokeCodec(MethodCodec):
    """Payloads of ``$invoke(method, types, args)``.

    Its arguments become those of the call that is meant, read by the hints of its method:
    ``(method, arguments, keywords)``, for the filter that answers it.
    """

    def __init__(self, method: Method, methods: Mapping[str, Export]) -> None:
        super().__init__(method)
        self._methods = methods

    def decode_arguments(self, payload: Payload) -> Arguments:
        """Raises Unimplemented for an unknown method, InvalidArgument for what does not fit."""
        given, named = super().decode_arguments(payload)
        parts = dict(zip(("method", "types", "args"), given, strict=False)) | (named or {})
        meant = self._find(parts["method"].strip())
        arguments = self._count(parts.get("types"), parts.get("args"))
        inner: Payload = (
            (MSGPACK, encode_plain(arguments))
            if payload[0] == MSGPACK
            else (VALUE, to_value(arguments))
        )
        return (meant.method, *meant.codec.decode_arguments(inner)), None

    def _find(self, name: str) -> Export:
        found = self._methods.get(name)
        if found is None:
            raise Unimplemented(
                f"{self.method}: {self.method.service} has no method {name!r}; "
                f"{suggest(name, list(self._methods))}it has: {', '.join(self._methods)}",
                sent=Sent.NOT_EXECUTED,
            )
        if found.method.callbacks:
            raise InvalidArgument(
                f"{found.method} takes a callback, which can't be given to {self.method.name}",
                sent=Sent.NOT_EXECUTED,
            )
        if found.method.streaming:
            raise InvalidArgument(
                f"{found.method} has streams, which {self.method.name} can't carry: call it by "
                "its own name",
                sent=Sent.NOT_EXECUTED,
            )
        return found

    def _count(self, types: list[str] | None, arguments: Any) -> Any:
        """Where arguments are left out, there is a None for each type. (Dubbo: GenericFilter)"""
        if arguments is None:
            return [None] * len(types or ())
        if types is not None and len(types) != len(arguments):
            raise InvalidArgument(
                f"{self.method}: {len(arguments)} arguments and {len(types)} types were given; "
                "give a type for each, or none at all",
                sent=Sent.NOT_EXECUTED,
            )
        return arguments
