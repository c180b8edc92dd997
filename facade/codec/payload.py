"""Payloads, and the plain values that msgpack has for them."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import msgspec
import msgspec.inspect
from google.protobuf.message import DecodeError, Message

from facade.codec.defaults import filler
from facade.codec.numbers import read_numbers
from facade.core.exceptions import text_of
from facade.jsonvalue import to_value

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
    def encode_value(
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


def value_of(value: Any) -> Any:
    """As google.protobuf.Value. Raises TypeError for what has no form in JSON, and so on."""
    return to_value(msgspec.to_builtins(value, str_keys=True, enc_hook=to_json))


def from_plain(type_: Any, value: Any) -> Any:
    if type_ is object:
        return value
    if _is_message(type_):
        from google.protobuf import json_format

        try:
            if isinstance(value, bytes):
                return type_.FromString(value)
            return json_format.ParseDict(value, type_())
        except (DecodeError, json_format.ParseError, TypeError) as error:
            raise ValueError(f"not a {type_.DESCRIPTOR.full_name}: {error}") from None
    raise NotImplementedError(f"{type_!r} can't be decoded; use a dataclass, or plain types")


def check_type(hint: Any) -> None:
    """TypeError for a type that has no form on the wire, or has one inside of it."""
    for custom in _custom_types(msgspec.inspect.type_info(hint), set()):
        if custom is not object and not _is_message(custom):
            name = getattr(custom, "__qualname__", custom)
            raise TypeError(f"{name} can't be sent; use a dataclass, or plain types")


def _is_message(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Message)


def _custom_types(info: Any, seen: set[int]) -> Iterator[Any]:
    if id(info) in seen:  # a type that contains itself
        return
    seen.add(id(info))
    if isinstance(info, msgspec.inspect.CustomType):
        yield info.cls
    for name in ("item_type", "key_type", "value_type"):
        if hasattr(info, name):
            yield from _custom_types(getattr(info, name), seen)
    for name in ("types", "item_types", "fields"):
        for part in getattr(info, name, ()):
            yield from _custom_types(part.type if name == "fields" else part, seen)


# What decoding bytes of a peer may raise.
MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def described(error: Exception) -> str:
    """Of what msgspec raises the text says enough; that of the user's own may be a mere name."""
    text = text_of(error)
    known = isinstance(error, (*MALFORMED, ValueError))
    return text if known else f"{type(error).__name__}: {text}"


_encoder = msgspec.msgpack.Encoder(enc_hook=to_plain)
_decode_plain = msgspec.msgpack.Decoder().decode
encode_plain = _encoder.encode


def decode_plain(data: bytes) -> Any:
    """Decode msgpack without a type, to plain Python values. Raises one of MALFORMED."""
    return _decode_plain(data)


def decoder(kind: Any) -> Callable[[bytes], Any]:
    """Decodes msgpack as ``kind``. TypeError for a type that can't travel."""
    decode = msgspec.msgpack.Decoder(kind, dec_hook=from_plain).decode
    fill = filler(kind)
    if fill is None:
        return decode

    def decode_and_fill(data: bytes) -> Any:
        value = decode(data)
        fill(value)
        return value

    return decode_and_fill


def convert(plain: Any, kind: Any) -> Any:
    """Plain values to typed ones. Raises msgspec.ValidationError."""
    value = msgspec.convert(plain, kind, builtin_types=(bytes,), dec_hook=from_plain)
    return _filled(value, kind)


def _filled(value: Any, kind: Any) -> Any:
    fill = filler(kind)
    if fill is not None:
        fill(value)
    return value


def from_json(plain: Any, kind: Any) -> Any:
    """The same for values of JSON, which has text for bytes, dates, keys, and long numbers."""
    try:
        return _convert_json(plain, kind)
    except msgspec.ValidationError as error:
        if "got `str`" not in str(error):
            raise
        return _convert_json(read_numbers(plain, kind), kind)


def _convert_json(plain: Any, kind: Any) -> Any:
    value = msgspec.convert(plain, kind, builtin_types=(), str_keys=True, dec_hook=from_plain)
    return _filled(value, kind)
