"""Providers as they are written in a file."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import PurePath
from typing import Any

import msgspec

from facade.core.hint import hint
from facade.registry.provider import Provider

_FIELDS = [f.name for f in fields(Provider)]
_DEFAULTS = asdict(Provider("localhost:1"))


def check_suffix(path: str) -> None:
    """That its name tells how it is written."""
    if PurePath(path).suffix not in (".json", ".toml"):
        raise ValueError(f"{path!r}: a list of providers is a .json or a .toml file")


def read(text: str, path: str) -> list[Provider]:
    """The providers of a file. ValueError says which one is wrong, and how."""
    loads = tomllib.loads if PurePath(path).suffix == ".toml" else json.loads
    try:
        written: Any = loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from None
    if isinstance(written, dict):
        unknown = next((name for name in written if name != "providers"), None)
        if unknown is not None:
            raise ValueError(f"{path}: {unknown!r} is unknown: there is `providers`, a list")
        written = written.get("providers")
    if not isinstance(written, list):
        raise ValueError(f"{path} holds no list of providers")
    return [_provider(entry, f"{path}, provider {n}") for n, entry in enumerate(written, 1)]


def entry(provider: Provider) -> dict[str, Any]:
    """As it is written: without what needs no saying."""
    values = asdict(provider)
    return {name: value for name, value in values.items() if value != _DEFAULTS[name]}


def write(providers: Iterable[Provider]) -> str:
    """A list that ``read`` reads, as JSON."""
    return json.dumps({"providers": [entry(p) for p in providers]}, indent=2) + "\n"


def _provider(entry: object, where: str) -> Provider:
    if isinstance(entry, str):
        entry = {"address": entry}
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} is an address, or an object with an address")
    for name in entry:
        if name not in _FIELDS:
            raise ValueError(f"{where}: {name!r}: {hint(name, _FIELDS, 'there is no such fact')}")
    try:
        return msgspec.convert(entry, Provider)
    except (msgspec.ValidationError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from None
