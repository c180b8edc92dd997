"""The .proto files that reflection shows."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TypeVar

from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import ServiceDescriptorProto
from google.protobuf.descriptor_pool import Default, DescriptorPool

from facade.provider.standard.descriptors import TypedFile
from facade.provider.standard.messages import POOL

T = TypeVar("T")


class Files:
    """Finds files: those of typed services, else of generated code, else of our own messages.

    ``services`` are the names of all services: of ``others`` that are not typed, too. All
    ways to find raise KeyError. A file is given with all that it imports, itself first.
    """

    def __init__(self, typed: Sequence[TypedFile], others: Iterable[str]) -> None:
        self.services = sorted({*others, *(file.name for file in typed)})
        imported = chain.from_iterable(file.imports.values() for file in typed)
        self._pools: list[DescriptorPool] = [
            *dict.fromkeys((Default(), POOL, *(file.pool for file in imported)))
        ]
        shown = [file for file in typed if not self._is_generated(file)]
        self._by_name = {file.proto.name: file for file in shown}
        self._by_symbol = {symbol: file for file in shown for symbol in file.symbols}

    def named(self, name: str) -> list[bytes]:
        """The file of this name."""
        typed = self._by_name.get(name)
        if typed is not None:
            return _with_imports(typed)
        return self._look(lambda pool: _closure((pool.FindFileByName(name),)))

    def with_symbol(self, symbol: str) -> list[bytes]:
        """That which declares a service, method, message or the like of this full name."""
        typed = self._by_symbol.get(symbol)
        if typed is not None:
            return _with_imports(typed)
        return self._look(lambda pool: _closure((_declaring(pool, symbol),)))

    def with_extension(self, message: str, number: int) -> list[bytes]:
        """That which extends the message by this number."""

        def find(pool: DescriptorPool) -> list[bytes]:
            extended = pool.FindMessageTypeByName(message)
            extension = pool.FindExtensionByNumber(extended, number)
            return _closure((pool.FindFileContainingSymbol(extension.full_name),))

        return self._look(find)

    def extensions(self, message: str) -> list[int]:
        """The numbers that extend the message."""

        def find(pool: DescriptorPool) -> list[int]:
            extended = pool.FindMessageTypeByName(message)
            return sorted(e.number for e in pool.FindAllExtensions(extended))

        return self._look(find)

    def _look(self, find: Callable[[DescriptorPool], T]) -> T:
        """What is found in the first pool that has it."""
        for pool in self._pools:
            try:
                return find(pool)
            except KeyError:
                continue
        raise KeyError

    def _is_generated(self, typed: TypedFile) -> bool:
        """Whether a generated service says the same: then its file is shown, as ours may be
        imported beside it, and declare it twice."""
        for pool in self._pools:
            try:
                known = pool.FindServiceByName(typed.name)
            except KeyError:
                continue
            if _covers(known, typed.service):
                return True
        return False


def _declaring(pool: DescriptorPool, symbol: str) -> FileDescriptor:
    try:
        return pool.FindFileContainingSymbol(symbol)
    except KeyError:  # it knows no methods
        return pool.FindMethodByName(symbol).containing_service.file


def _with_imports(typed: TypedFile) -> list[bytes]:
    return [typed.proto.SerializeToString(), *_closure(typed.imports.values())]


def _closure(files: Iterable[FileDescriptor]) -> list[bytes]:
    """The files and all that they import, each once."""
    found: dict[str, FileDescriptor] = {}
    waiting = list(files)
    while waiting:
        file = waiting.pop(0)
        if file.name not in found:
            found[file.name] = file
            waiting += file.dependencies
    return [file.serialized_pb for file in found.values()]


def _covers(known: ServiceDescriptor, typed: ServiceDescriptorProto) -> bool:
    signatures = {
        (
            method.name,
            f".{method.input_type.full_name}",
            f".{method.output_type.full_name}",
            method.client_streaming,
            method.server_streaming,
        )
        for method in known.methods
    }
    return signatures >= {
        (m.name, m.input_type, m.output_type, m.client_streaming, m.server_streaming)
        for m in typed.method
    }
