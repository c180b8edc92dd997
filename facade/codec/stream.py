"""The values of a method that has streams."""

from typing import Any

from facade.codec.generic import GenericCodec
from facade.codec.method import MethodCodec
from facade.codec.payload import MSGPACK, VALUE, Payload, encode_plain
from facade.core.errors import InvalidArgument, RpcError
from facade.core.method import Method, Parameter


class ItemCodec(MethodCodec):
    """The values of one stream, each encoded alone."""

    def __init__(self, method: Method, name: str, kind: Any) -> None:
        one = Method(method.service, name, (Parameter("item", kind),), kind)
        super().__init__(one)

    def encode(self, value: Any, call: str) -> Payload:
        """``call``: the encoding of the arguments of its call. Raises RpcError."""
        return self.encode_result(value, VALUE if call == VALUE else self.encoding)


class GenericStreamCodec:
    """Without an interface: plain values, and arguments that are iterators are streams."""

    def __init__(self, service: str, name: str) -> None:
        self.items = GenericCodec(service, name)
        self.encode_arguments = self.items.encode_arguments
        self.decode_result = self.items.decode_result
        self.encode_value = self.items.encode_value
        self._name = f"{service}.{name}"

    def take(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None
    ) -> tuple[tuple[Any, ...], dict[str, Any] | None, dict[int, Any]]:
        """See StreamCodec."""
        streams = {index: value for index, value in enumerate(arguments) if _is_iterator(value)}
        rest = tuple(None if index in streams else v for index, v in enumerate(arguments))
        return rest, keywords, streams

    def encode_item(self, index: int, value: Any, call: str) -> Payload:
        """See StreamCodec. Raises InvalidArgument."""
        try:
            return MSGPACK, encode_plain(value)
        except Exception as error:
            raise InvalidArgument(
                f"{self._name}: a value of argument {index} can't be sent: {error}"
            ) from None


def _is_iterator(value: Any) -> bool:
    return hasattr(type(value), "__anext__") or hasattr(type(value), "__next__")


class StreamCodec(MethodCodec):
    """A stream is null in its place, and its values follow. ``items`` are those of the value,
    where that is a stream."""

    def __init__(self, method: Method) -> None:
        self.streams = {
            index: ItemCodec(method, f"{method.name}({p.name})", p.type)
            for index, p in enumerate(method.parameters)
            if p.name in method.streamed
        }
        self.items = ItemCodec(method, method.name, method.returns) if method.yields else None
        super().__init__(
            method._replace(
                parameters=tuple(
                    p._replace(type=None) if p.name in method.streamed else p
                    for p in method.parameters
                ),
                returns=None if method.yields else method.returns,
            )
        )
        self._index = {p.name: index for index, p in enumerate(method.parameters)}

    def take(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None
    ) -> tuple[tuple[Any, ...], dict[str, Any] | None, dict[int, Any]]:
        """The arguments without the streams, and the streams by parameter."""
        streams: dict[int, Any] = {}

        def taken(index: int, value: Any) -> Any:
            if index not in self.streams:
                return value
            streams[index] = value
            return None

        return *self._changed(arguments, keywords, taken), streams

    def put(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None, streams: dict[int, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any] | None]:
        """The arguments with the streams in their places."""
        return self._changed(arguments, keywords, lambda index, value: streams.get(index, value))

    def _changed(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None, change: Any
    ) -> tuple[tuple[Any, ...], dict[str, Any] | None]:
        positional = tuple(map(change, range(len(arguments)), arguments))
        if not keywords:
            return positional, keywords
        index = self._index
        return positional, {name: change(index.get(name), keywords[name]) for name in keywords}

    def encode_item(self, index: int, value: Any, call: str) -> Payload:
        """One value of a streamed argument. Raises InvalidArgument."""
        try:
            return self.streams[index].encode(value, call)
        except RpcError as error:
            name = self.method.parameters[index].name
            what = error.message.rpartition(" can't be encoded: ")[2]
            raise InvalidArgument(
                f"{self.method}: a value of {name!r} can't be sent: {what}"
            ) from None

    def decode_item(self, index: int, payload: Payload) -> Any:
        """One value of a streamed argument. Raises InvalidArgument."""
        try:
            return self.streams[index].decode_result(payload)
        except RpcError as error:
            name = self.method.parameters[index].name
            what = error.message.partition(" is not a ")[2]
            raise InvalidArgument(f"{self.method}: a value of {name!r} is not a {what}") from None
