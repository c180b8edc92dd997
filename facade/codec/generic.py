"""The values of a call without an interface."""

from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

from facade.codec.payload import (
    ANY,
    MALFORMED,
    MSGPACK,
    VALUE,
    Payload,
    decode_plain,
    encode_plain,
    value_of,
)
from facade.core.errors import Code, InvalidArgument, RpcError, Sent, Status
from facade.jsonvalue import from_value


class GenericCodec:
    """Payloads of a call without an interface: plain values both ways."""

    encoding = MSGPACK

    def __init__(self, service: str, name: str) -> None:
        self._name = f"{service}.{name}"

    def encode_arguments(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None
    ) -> Payload:
        content = self._content(arguments, keywords)
        try:
            if len(arguments) == 1 and isinstance(arguments[0], Message):
                packed = AnyMessage()
                packed.Pack(arguments[0])
                return ANY, packed
            return MSGPACK, encode_plain(content)
        except Exception as error:
            raise InvalidArgument(f"{self._name}: {error}", sent=Sent.NOT_SENT) from None

    def encode_value(self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None) -> Payload:
        """The same as google.protobuf.Value, for a peer that takes nothing of ours."""
        try:
            return VALUE, value_of(self._content(arguments, keywords))
        except Exception as error:
            raise InvalidArgument(f"{self._name}: {error}", sent=Sent.NOT_SENT) from None

    def _content(self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None) -> Any:
        if arguments and keywords:
            raise InvalidArgument(
                f"{self._name}: without an interface, give arguments by position or by name",
                sent=Sent.NOT_SENT,
            )
        return keywords or arguments

    def decode_result(self, payload: Payload) -> Any:
        encoding, content = payload
        if encoding == MSGPACK:
            try:
                return decode_plain(content)
            except MALFORMED as error:
                raise RpcError(
                    f"what {self._name} answered can't be decoded: {error}",
                    code=Code.SERIALIZATION,
                    status=Status.INTERNAL,
                ) from None
        return from_value(content) if encoding == VALUE else content
