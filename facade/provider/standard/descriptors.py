"""Typed services as a .proto file would have them."""

import re
from collections.abc import Iterable

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value

from facade.core.method import Method
from facade.provider.exporter import Exporter

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class TypedFile:
    """The file of one service. ``imports`` are the files of its messages.

    A method that takes and returns messages has their types in it. Any other takes the
    arguments as a google.protobuf.Value, a list or an object by name, and returns one.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        package, _, word = name.rpartition(".")
        self.proto = FileDescriptorProto(
            name=f"facade/exported/{name}.proto", package=package, syntax="proto3"
        )
        self.service = self.proto.service.add(name=word)
        self.imports: dict[str, FileDescriptor] = {}

    @property
    def symbols(self) -> list[str]:
        """Full names of the service and of its methods."""
        return [self.name, *(f"{self.name}.{method.name}" for method in self.service.method)]

    def add(self, method: Method) -> None:
        """Nothing happens where it has a method of that name, from another version, and where
        arguments come beside a stream: plain gRPC has no place for them."""
        known = any(method.name == other.name for other in self.service.method)
        if known or (method.streamed and len(method.parameters) > 1):
            return
        taken, returned = _messages(method) or (Value, Value)
        self.service.method.add(
            name=method.name,
            input_type=self._use(taken),
            output_type=self._use(returned),
            client_streaming=True if method.streamed else None,
            server_streaming=True if method.yields else None,
        )

    def _use(self, message: type) -> str:
        descriptor = message.DESCRIPTOR  # type: ignore[attr-defined]
        file = descriptor.file
        if file.name not in self.imports:
            self.imports[file.name] = file
            self.proto.dependency.append(file.name)
        return f".{descriptor.full_name}"


def _messages(method: Method) -> tuple[type, type] | None:
    """What it takes and returns, where these are messages: then they travel as such."""
    if len(method.parameters) != 1 or method.parameters[0].keyword_only:
        return None
    taken = method.parameters[0].type
    returned = Empty if method.returns in (None, type(None)) else method.returns
    return (taken, returned) if _is_message(taken) and _is_message(returned) else None


def _is_message(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Message)


def typed_files(exporters: Iterable[Exporter]) -> list[TypedFile]:
    """One for each name, with the methods of all its groups and versions. What has a name
    that a .proto file can't have is left out."""
    files: dict[str, TypedFile] = {}
    for exporter in exporters:
        name = exporter.service.name
        if not all(map(_WORD.fullmatch, name.split("."))):
            continue
        file = files.setdefault(name, TypedFile(name))
        for word, exported in exporter.methods.items():
            if _WORD.fullmatch(word):
                file.add(exported.method)
    return list(files.values())
