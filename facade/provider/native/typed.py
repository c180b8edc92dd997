"""Exported services as gRPC methods of their own: ``/demo.Greeter/hello``.

A method of protobuf messages takes and gives these; any other google.protobuf.Value, so that
gRPC's own tools have JSON for it.
"""

import re
from collections.abc import Iterator
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Value

from facade.codec import ANY, VALUE, MethodCodec
from facade.core.errors import Code, InvalidArgument, RpcError, Sent, Status, Unimplemented
from facade.core.exceptions import text_of, wire_name
from facade.core.invocation import Invocation
from facade.core.method import service_key
from facade.exchange.answering import NoStream
from facade.exchange.metadata import Pairs
from facade.provider.exporter import LOCAL, ExportedMethod, Exporter, ExportTable
from facade.provider.native.call import CALL, Call
from facade.provider.native.text import sendable

# Trailing metadata: which exception the method raised.
EXCEPTION_TYPE = "exception-type"

_NO_STREAM = NoStream()


class TypedMethod:
    """One exported method, and its values in plain messages."""

    def __init__(self, exporter: Exporter, exported: ExportedMethod) -> None:
        self.method = method = exported.method
        self.group = exporter.service.group
        self.version = exporter.service.version
        self.invoker = exported.invoker
        # Of a stream, each item is read as if it were the only one.
        self._codec: Any = (
            MethodCodec(method._replace(streamed=(), yields=False))
            if method.streaming
            else exported.codec
        )
        self._encoding = ANY if getattr(self._codec, "encoding", None) == ANY else VALUE

    def arguments(self, invocation: Invocation, request: Any) -> None:
        method = self.method
        if method.streamed:
            if len(method.parameters) > 1:
                raise Unimplemented(
                    f"{method} takes more than the stream {method.streamed[0]!r}: plain gRPC has "
                    "no place for it; call it through facade.v1.Facade",
                    sent=Sent.NOT_EXECUTED,
                )
            call: Call = invocation.attributes[CALL]
            items = call.requests(self._item)
            if method.parameters[0].keyword_only:
                invocation.keywords = {method.parameters[0].name: items}
            else:
                invocation.arguments = (items,)
            return
        payload = (self._encoding, self._read(request))
        if self._encoding == VALUE:
            self._spread(payload[1])
        invocation.arguments, invocation.keywords = self._codec.decode_arguments(payload)
        if method.callbacks:
            _NO_STREAM.bind(invocation, self._codec)

    def _read(self, data: bytes) -> Any:
        try:
            if self._encoding == VALUE:
                return Value.FromString(data)
            kind: Any = self.method.parameters[0].type
            kind.FromString(data)
        except (DecodeError, RecursionError, UnicodeDecodeError) as error:
            expected = "google.protobuf.Value" if self._encoding == VALUE else kind.__name__
            raise InvalidArgument(
                f"{self.method}: the request is no {expected}: {error}", sent=Sent.NOT_EXECUTED
            ) from None
        # As it travels in an envelope.
        return AnyMessage(type_url=f"type/{kind.DESCRIPTOR.full_name}", value=data)

    def _spread(self, value: Any) -> None:
        """A bare value stands for the only argument."""
        kind = value.WhichOneof("kind")
        if kind in ("number_value", "string_value", "bool_value"):
            _wrap(value)

    def _item(self, data: bytes) -> Any:
        content = self._read(data)
        if self._encoding == VALUE:
            _wrap(content)
        arguments, keywords = self._codec.decode_arguments((self._encoding, content))
        return arguments[0] if arguments else next(iter(keywords.values()))

    def encode(self, value: Any) -> bytes:
        content = self._codec.encode_result(value, self._encoding)[1]
        data: bytes
        if self._encoding == VALUE:
            data = content.SerializeToString()
            return data
        wanted = getattr(self.method.returns, "DESCRIPTOR", None)
        wanted = "google.protobuf.Empty" if wanted is None else wanted.full_name
        if value is not None and content.TypeName() != wanted:
            raise RpcError(
                f"what {self.method} returned is a {content.TypeName()}, and no {wanted}",
                code=Code.SERIALIZATION,
                status=Status.INTERNAL,
            )
        data = content.value
        return data

    def failure(self, error: BaseException, invocation: Invocation) -> tuple[str, Pairs]:
        name = sendable(wire_name(error)).encode("ascii", "backslashreplace").decode()
        more: Pairs = () if isinstance(error, RpcError) else ((EXCEPTION_TYPE, name),)
        return text_of(error), more


def _wrap(value: Any) -> None:
    """Make a list of one of it."""
    item = Value()
    item.CopyFrom(value)
    value.Clear()
    value.list_value.values.append(item)


class TypedMethods:
    """What a server exports, by the path of a gRPC call."""

    def __init__(self, exports: ExportTable) -> None:
        self._exports = exports

    def find(self, path: str, metadata: Any) -> TypedMethod | None:
        service, _, name = path[1:].rpartition("/")
        exporter = self._exporter(service, dict(metadata or ()))
        if exporter is None:
            return None
        for named in exporter.methods.values():
            if name and named.method.wire_name == name:  # most have none
                return self._typed(exporter, named)
        for known in _spellings(name):
            exported = exporter.methods.get(known)
            if exported is not None:
                return self._typed(exporter, exported)
        return None

    def _exporter(self, service: str, told: dict[str, Any]) -> Exporter | None:
        """That of the group and version which the caller names. Who names none gets the one
        without either, or else the only one."""
        group, version = _group_and_version(told)
        exact = self._exports.get(service_key(service, group, version))
        if exact is not None:
            return exact if exact.scope != LOCAL else None
        if group or version:
            return None
        same = [e for e in self._exports if e.service.name == service and e.scope != LOCAL]
        return same[0] if len(same) == 1 else None

    def _typed(self, exporter: Exporter, exported: ExportedMethod) -> TypedMethod:
        if exported.typed is None:
            exported.typed = TypedMethod(exporter, exported)
        made: TypedMethod = exported.typed
        return made

    def missing(self, path: str, metadata: Any) -> str:
        """What there is instead."""
        service, _, name = path[1:].rpartition("/")
        told = dict(metadata or ())
        group, version = _group_and_version(told)
        exporter = self._exporter(service, told)
        if exporter is not None:
            group, version = exporter.service.group, exporter.service.version
        meant = Invocation(service, name, group=group, version=version)
        return self._exports.missing(meant, hidden=LOCAL)


def _group_and_version(told: dict[str, Any]) -> tuple[str, str]:
    return str(told.get("tri-service-group", "")), str(told.get("tri-service-version", ""))


def _spellings(name: str) -> Iterator[str]:
    """As it was asked for, and as Python would write a name of Java's or of a .proto."""
    yield name
    yield name[:1].lower() + name[1:]
    yield re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
