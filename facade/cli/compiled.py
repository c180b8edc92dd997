"""Interfaces from a .proto file. It needs grpcio-tools, the extra "stubs"."""

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)

from facade.cli import source
from facade.cli.typetext import Imports, class_name, docstring

# By the full name of a message: its module, and what it is called there.
Places = dict[str, tuple[str, str]]
# What a message is called in the source, alone or as a stream.
Kind = Callable[[str, bool], str]


class NotCompiled(Exception):
    """protoc's own words, or what is missing."""


def write(file: Path, include: Sequence[Path], *, sync: bool = False) -> str:
    """A module with a class for each service of the file. Raises NotCompiled."""
    files = _compile(file, include)
    own = files[-1]  # protoc puts what it imports before it
    places = _places(files)
    imports: Imports = {}
    taken = {"facade"}
    lines: list[str] = []
    used: set[str] = set()
    for index, service in enumerate(own.service):
        name = class_name(service.name, taken)
        taken.add(name)
        full = f"{own.package}.{service.name}".lstrip(".")
        lines += ["", "", f"@facade.service({full!r})", f"class {name}:"]
        lines += docstring(_said(own, (6, index)), "    ")
        lines += _methods(own, index, places, imports, used, sync) or ["    pass"]
    if not own.service:
        raise NotCompiled(f"{file} has no services")
    summary = f"The services of {own.name}, on the messages that protoc makes of it."
    return source.module(summary, imports, lines, map(_import, used))


def _compile(file: Path, include: Sequence[Path]) -> list[FileDescriptorProto]:
    if importlib.util.find_spec("grpc_tools") is None:
        raise NotCompiled("reading a .proto needs grpcio-tools: pip install 'facade-rpc[stubs]'")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "descriptors")
        command = [sys.executable, "-m", "grpc_tools.protoc", "--include_imports"]
        command += ["--include_source_info", f"--descriptor_set_out={out}"]
        command += [f"-I{place}" for place in include or (file.parent,)]
        done = subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotCompiled(done.stderr.strip() or f"protoc failed on {file}")
        return list(FileDescriptorSet.FromString(out.read_bytes()).file)


def _places(files: Sequence[FileDescriptorProto]) -> Places:
    places: Places = {}
    for file in files:
        module = str(PurePosixPath(file.name).with_suffix("")).replace("-", "_") + "_pb2"
        for message in file.message_type:
            for path in _nested(message, ""):
                full = f".{file.package}.{path}" if file.package else f".{path}"
                places[full] = (module.replace("/", "."), path)
    return places


def _nested(message: DescriptorProto, outer: str) -> Iterator[str]:
    path = f"{outer}{message.name}"
    yield path
    for inner in message.nested_type:
        yield from _nested(inner, f"{path}.")


def _methods(
    file: FileDescriptorProto,
    index: int,
    places: Places,
    imports: Imports,
    used: set[str],
    sync: bool,
) -> list[str]:
    service: ServiceDescriptorProto = file.service[index]
    iterator = "Iterator" if sync else "AsyncIterator"

    def kind(name: str, streaming: bool) -> str:
        module, path = places[name]
        used.add(module)
        text = f"{_alias(module)}.{path}"
        if not streaming:
            return text
        imports.setdefault("collections.abc", set()).add(iterator)
        return f"{iterator}[{text}]"

    lines: list[str] = []
    for number, method in enumerate(service.method):
        text = source.method(method.name, *_signature(method, kind), sync=sync)
        said = docstring(_said(file, (6, index, 2, number)), " " * 8)
        lines += ["", text.removesuffix(" ..."), *said, "        ..."] if said else ["", text]
    return lines


def _signature(method: MethodDescriptorProto, kind: Kind) -> tuple[list[str], str]:
    name = "requests" if method.client_streaming else "request"
    return (
        [f"{name}: {kind(method.input_type, method.client_streaming)}"],
        kind(method.output_type, method.server_streaming),
    )


def _said(file: FileDescriptorProto, path: tuple[int, ...]) -> str:
    """The first paragraph of the comment that stands before it."""
    for location in file.source_code_info.location:
        if tuple(location.path) == path:
            return str(location.leading_comments).strip().split("\n\n", 1)[0]
    return ""


def _alias(module: str) -> str:
    return module.rpartition(".")[2]


def _import(module: str) -> str:
    package, _, name = module.rpartition(".")
    return f"from {package} import {name}" if package else f"import {name}"
