"""Payloads, and the plain values that msgpack has for them."""

from typing import Any, Protocol

import msgspec
from google.protobuf.message import DecodeError, Message

Payload = tuple[str, Any]
Arguments = tuple[tuple[Any, ...], dict[str, Any] | None]

MSGPACK = "msgpack"
VALUE = "value"
ANY = "any"
RAW = "raw"


class CallingCodec(Protocol):
    """How the values of one method travel, as its caller needs it."""

    def encode_arguments(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None
    ) -> Payload: ...
    def decode_result(self, payload: Payload) -> Any: ...


class Codec(CallingCodec, Protocol):
    """How the values of one method travel, in both roles."""

    def decode_arguments(self, payload: Payload) -> Arguments: ...
    def encode_result(self, value: Any, encoding: str) -> Payload: ...


def to_plain(value: Any) -> Any:
    """What msgspec can't encode itself: protobuf messages inside of other values."""
    if isinstance(value, Message):
        return value.SerializeToString()
    raise TypeError(f"{type(value).__qualname__} can't be encoded; use a dataclass, or plain types")


def to_json(value: Any) -> Any:
    if isinstance(value, Message):
        from google.protobuf import json_format  # slow to import, and seldom needed

        return json_format.MessageToDict(value)
    return to_plain(value)


def from_plain(type_: Any, value: Any) -> Any:
    if isinstance(type_, type) and issubclass(type_, Message):
        from google.protobuf import json_format

        try:
            if isinstance(value, dict):
                return json_format.ParseDict(value, type_())
            return type_.FromString(value)
        except (DecodeError, json_format.ParseError, TypeError) as error:
            raise ValueError(f"not a {type_.DESCRIPTOR.full_name}: {error}") from None
    raise NotImplementedError(f"{type_!r} can't be decoded; use a dataclass, or plain types")


_encoder = msgspec.msgpack.Encoder(enc_hook=to_plain)
_decode_plain = msgspec.msgpack.Decoder().decode
encode_plain = _encoder.encode


def decode_plain(data: bytes) -> Any:
    """Decode msgpack without a type, to plain Python values."""
    return _decode_plain(data)
