"""The entry points of installed packages, read without importlib.metadata.

Importing that takes four times as long as reading them.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.machinery import PathFinder
from typing import Any


class EntryPoint:
    """What one package offers under a name: ``value`` is ``module:attribute``."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self.value = value

    def load(self) -> Any:
        """Import it."""
        module, _, attribute = self.value.partition(":")
        return getattr(import_module(module), attribute)


def entry_points(group: str) -> Iterable[Any]:
    """Those of a group, as importlib.metadata finds them: by itself where it is loaded anyway,
    or where packages may be elsewhere than in directories of the path."""
    if "importlib.metadata" not in sys.modules and not _may_be_elsewhere():
        return _read(group)
    from importlib import metadata

    return metadata.entry_points(group=group)


def _may_be_elsewhere() -> bool:
    """In zip files, or where a finder of somebody's own looks."""
    return any(map(os.path.isfile, sys.path)) or any(
        finder is not PathFinder and hasattr(finder, "find_distributions")
        for finder in sys.meta_path
    )


def _read(group: str) -> Iterator[EntryPoint]:
    """Of a package that is there twice, the one that comes first on the path."""
    seen: set[str] = set()
    for place in sys.path:
        for package, directory in _packages(place or "."):
            if package not in seen:
                seen.add(package)
                yield from _entries(os.path.join(directory, "entry_points.txt"), group)


def _packages(place: str) -> Iterator[tuple[str, str]]:
    """Name and directory of the metadata of each package in a directory of the path."""
    try:
        found = os.listdir(place)
    except OSError:
        return
    for entry in found:
        stem, kind = os.path.splitext(entry)
        if kind in (".dist-info", ".egg-info"):
            name = stem.partition("-")[0].lower().replace(".", "_")
            yield name, os.path.join(place, entry)


def _entries(path: str, group: str) -> Iterator[EntryPoint]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]")
        elif section == group and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield EntryPoint(name.strip(), value.partition("[")[0].strip())
