"""The values of one method, by its type hints."""

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

from facade.codec.payload import (
    ANY,
    MSGPACK,
    RAW,
    VALUE,
    Arguments,
    Payload,
    check_type,
    convert,
    decode_plain,
    decoder,
    described,
    encode_plain,
    from_json,
    value_of,
)
from facade.core.errors import Code, InvalidArgument, RpcError, Sent, Status
from facade.core.method import Method, Parameter
from facade.jsonvalue import from_value


class MethodCodec:
    """Payloads of one method, decoded and validated against its type hints.

    TypeError where a type of its hints can't travel.
    """

    def __init__(self, method: Method) -> None:
        self.method = method
        self._positional = [p for p in method.parameters if not p.keyword_only]
        self._required = sum(p.required for p in self._positional)
        self._named = [p for p in method.parameters if p.keyword_only and p.required]
        self._message = _only_message(method)
        self._raw = _is_raw(method)
        self._returns = type(None) if method.returns is None else method.returns
        try:
            for hint in (*(p.type for p in method.parameters), self._returns):
                check_type(hint)
            self._decode_value = decoder(self._returns)
            self._arrays = self._array_types()
            self._by_header = {
                # The first byte of a msgpack array tells its length, up to 15.
                0x90 | count: decoder(kind)
                for count, kind in self._arrays.items()
                if count < 16
            }
            self._by_name = self._struct_type()
            self._decode_by_name = decoder(self._by_name)
        except TypeError as error:
            raise TypeError(f"{method}: {error}") from None
        self.encoding = ANY if self._message else RAW if self._raw else MSGPACK

    def _array_types(self) -> dict[int, Any]:
        """What an array of arguments is, for each number of them that the method takes."""
        if self._named:
            return {}
        types = [p.type for p in self._positional]
        return {n: tuple[tuple(types[:n])] for n in range(self._required, len(types) + 1)}  # type: ignore[misc]

    def _struct_type(self) -> type[msgspec.Struct]:
        def fields(parameter: Parameter) -> Any:
            if parameter.required:
                return (parameter.name, parameter.type)
            return (parameter.name, parameter.type, msgspec.UNSET)

        return msgspec.defstruct(
            "Arguments",
            [fields(p) for p in self.method.parameters],
            forbid_unknown_fields=True,
            kw_only=True,
        )

    # Arguments

    def encode_arguments(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None
    ) -> Payload:
        """Raises InvalidArgument for what does not fit the signature or can't be encoded."""
        # What most calls come with goes as it is; to ask ``_content`` would be felt.
        content: Any = arguments
        if keywords or len(arguments) not in self._arrays:
            content = self._content(arguments, keywords)
        encoding = self.encoding
        if encoding is not MSGPACK and type(content) is tuple and len(content) == 1:
            return self._encode_one(encoding, content[0])
        try:
            return MSGPACK, encode_plain(content)
        except Exception as error:
            raise self._unencodable(content, error) from None

    def encode_value(self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None) -> Payload:
        """The same as google.protobuf.Value, for a peer that takes nothing of ours."""
        content = self._content(arguments, keywords)
        try:
            return VALUE, value_of(content)
        except Exception as error:
            raise self._unencodable(content, error) from None

    def _content(self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None) -> Any:
        if keywords or not self._required <= len(arguments) <= len(self._positional) or self._named:
            return self._bind(arguments, keywords or {})
        return arguments

    def _bind(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Positional where that says it all, else by name."""
        try:
            bound = _signature(self.method).bind(*arguments, **keywords).arguments
        except TypeError as error:
            raise self._misfit(str(error)) from None
        names = [p.name for p in self._positional]
        if list(bound) == names[: len(bound)]:
            return tuple(bound.values())
        return dict(bound)

    def _encode_one(self, encoding: str, argument: Any) -> Payload:
        parameter = self._positional[0]
        if encoding == RAW:
            if not isinstance(argument, (bytes, bytearray, memoryview)):
                raise self._misfit(_expected(parameter.name, "bytes", argument))
            return RAW, bytes(argument)
        if not isinstance(argument, parameter.type):
            raise self._misfit(_expected(parameter.name, parameter.type.__name__, argument))
        packed = AnyMessage()
        try:
            packed.Pack(argument)
        except Exception as error:  # it lacks what it must have
            raise self._misfit(f"argument {parameter.name!r} can't be sent: {error}") from None
        return ANY, packed

    def decode_arguments(self, payload: Payload) -> Arguments:
        """Raises InvalidArgument, which says what was expected where."""
        encoding, content = payload
        try:
            if encoding == MSGPACK:
                decode = self._by_header.get(content[0]) if content else None
                if decode is not None:
                    return decode(content), None
                return self._decode_rest(content)
            if encoding == VALUE:
                return self._from_json(from_value(content))
            return (self._decode_one(encoding, content),), None
        except RpcError:
            raise
        except Exception as error:  # a __post_init__ may raise anything
            raise self._misfit(self._explain(error)) from None

    def _decode_rest(self, content: bytes) -> Arguments:
        """By name, or an array that is long or of a wrong length."""
        first = content[0] if content else 0
        if 0x80 <= first <= 0x8F or first in (0xDE, 0xDF):
            return self._unset(self._decode_by_name(content))
        return self._convert(decode_plain(content), json=False)

    def _from_json(self, plain: Any) -> Arguments:
        if plain is None:
            plain = ()
        if isinstance(plain, (list, tuple, dict)):
            return self._convert(plain, json=True)
        raise self._misfit(f"arguments are a list or an object, not {_kind(plain)}")

    def _convert(self, plain: Any, *, json: bool) -> Arguments:
        kind: Any = self._by_name
        if not isinstance(plain, dict):
            if not isinstance(plain, (list, tuple)):
                raise self._misfit(f"arguments are an array or a map, not {_kind(plain)}")
            kind = self._arrays.get(len(plain))
            if kind is None:
                raise self._misfit(self._wrong_number(len(plain)))
        value = from_json(plain, kind) if json else convert(plain, kind)
        return (value, None) if isinstance(value, tuple) else self._unset(value)

    def _unset(self, struct: msgspec.Struct) -> Arguments:
        """To call with: by position as far as possible, the rest by name."""
        given = {
            p.name: value
            for p in self.method.parameters
            if (value := getattr(struct, p.name)) is not msgspec.UNSET
        }
        arguments = []
        for parameter in self._positional:
            if parameter.name not in given:
                break
            arguments.append(given.pop(parameter.name))
        return tuple(arguments), given or None

    def _decode_one(self, encoding: str, content: Any) -> Any:
        if encoding == RAW and self._raw:
            return content
        if encoding == ANY and self._message:
            message = self._message()
            if not content.Unpack(message):
                raise self._misfit(
                    f"argument {self._positional[0].name!r} is a {message.DESCRIPTOR.full_name}, "
                    f"not {content.TypeName() or 'an empty Any'}"
                )
            return message
        taken = [
            MSGPACK,
            VALUE,
            *([ANY] if self._message else []),
            *([RAW] if self._raw else []),
        ]
        raise self._misfit(f"arguments come as {' or '.join(taken)}, not as {encoding}")

    # Results

    def encode_result(self, value: Any, encoding: str) -> Payload:
        """In the encoding in which the arguments came. Raises RpcError where it can't be done."""
        try:
            if encoding == MSGPACK:
                return MSGPACK, encode_plain(value)
            if encoding == VALUE:
                return VALUE, value_of(value)
            if encoding == RAW:
                if value is None and self._returns is type(None):
                    return RAW, b""
                if not isinstance(value, (bytes, bytearray, memoryview)):
                    raise TypeError(f"expected bytes, got {type(value).__name__}")
                return RAW, bytes(value)
            packed = AnyMessage()
            if value is not None:
                packed.Pack(value)
            return ANY, packed
        except Exception as error:
            raise RpcError(
                f"what {self.method} returned can't be encoded: {error}",
                code=Code.SERIALIZATION,
                status=Status.INTERNAL,
            ) from None

    def decode_result(self, payload: Payload) -> Any:
        """Raises RpcError where the value is not of the declared type."""
        encoding, content = payload
        try:
            if encoding == MSGPACK:
                return self._decode_value(content)
            if encoding == VALUE:
                return from_json(from_value(content), self._returns)
            if not (self._raw if encoding == RAW else self._message):
                raise ValueError(f"it came as {encoding}")
            if self._returns is type(None):
                return None
            return content if encoding == RAW else _unpack(content, self._returns)
        except Exception as error:
            raise RpcError(
                f"what {self.method} answered is not a {_type_name(self.method.returns)}: "
                f"{described(error)}",
                code=Code.SERIALIZATION,
                status=Status.INTERNAL,
            ) from None

    # Errors

    def _misfit(self, what: str) -> InvalidArgument:
        return InvalidArgument(f"{self.method}: {what}", sent=Sent.NOT_SENT)

    def _wrong_number(self, count: int) -> str:
        missing = [p.name for p in (*self._positional[count:], *self._named) if p.required]
        if missing:
            return f"missing argument {', '.join(map(repr, missing))}"
        return f"takes {len(self._positional)} positional arguments, and {count} were given"

    def _unencodable(self, content: Any, error: Exception) -> InvalidArgument:
        named = content.items() if isinstance(content, dict) else self._with_names(content)
        for name, value in named:
            try:
                encode_plain(value)
            except Exception:
                return self._misfit(f"argument {name!r} can't be sent: {error}")
        return self._misfit(f"the arguments can't be sent: {error}")

    def _with_names(self, content: Sequence[Any]) -> list[tuple[str, Any]]:
        return list(zip((p.name for p in self._positional), content, strict=False))

    def _explain(self, error: Exception) -> str:
        """Name the argument where msgspec gives a path."""
        text = described(error)
        place = re.search(r" - at (?:`key` in )?`\$(?:\[(\d+)\]|\.(\w+))(.*)`$", text)
        if place is None:
            return text
        index, name, rest = place.groups()
        name = self._positional[int(index)].name if index is not None else name
        return f"argument {name!r}{f' (at {rest})' if rest else ''}: {text[: place.start()]}"


def _only_message(method: Method) -> Callable[[], Message] | None:
    if len(method.parameters) != 1 or method.parameters[0].keyword_only:
        return None
    taken, returned = method.parameters[0].type, method.returns
    if not _is_message(taken) or not (_is_message(returned) or returned in (None, type(None))):
        return None
    return taken  # type: ignore[no-any-return]


def _is_message(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Message)


def _is_raw(method: Method) -> bool:
    return (
        len(method.parameters) == 1
        and not method.parameters[0].keyword_only
        and method.parameters[0].type is bytes
        and method.returns in (bytes, None, type(None))
    )


def _unpack(content: AnyMessage, kind: Any) -> Any:
    message = kind()
    if not content.Unpack(message):
        raise ValueError(f"it is {content.TypeName() or 'an empty Any'}")
    return message


def _signature(method: Method) -> inspect.Signature:
    return inspect.Signature(
        [
            inspect.Parameter(
                p.name,
                inspect.Parameter.KEYWORD_ONLY
                if p.keyword_only
                else inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty if p.required else None,
            )
            for p in method.parameters
        ]
    )


def _expected(name: str, kind: str, value: Any) -> str:
    return f"argument {name!r}: expected {kind}, got {type(value).__name__}"


def _kind(plain: Any) -> str:
    return type(plain).__name__


def _type_name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)
