"""Registries by the scheme of their target: ours, and entry points "facade.registries"."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, cast

from facade.entrypoints import entry_points
from facade.registry import target as targets
from facade.registry.registry import Registry
from facade.registry.target import Target

GROUP = "facade.registries"

# Makes one of its target. ValueError for what it can't take.
Factory = Callable[[Target], Registry]

# Imported when they are asked for: some need an extra.
_OURS = {
    "static": "facade.registry.static:StaticRegistry",
    "file": "facade.registry.file:FileRegistry",
    "dns": "facade.registry.dns:DnsRegistry",
    "dns+srv": "facade.registry.dns:DnsRegistry",
    "zookeeper": "facade.registry.zookeeper:zookeeper_registry",
    "etcd": "facade.registry.etcd:etcd_registry",
}


def is_registry(target: str) -> bool:
    """Whether a client's target names a registry, or is one plain address.

    ValueError where it names a scheme that there is not.
    """
    return targets.scheme_of(target, (*_OURS, *_installed())) is not None


def open_registry(target: str | Target, *, application: str = "") -> Registry:
    """The registry of a target such as "zookeeper://127.0.0.1:2181". It connects when it is
    first used.

    ``application`` is who is there, for those who look at the registry. ValueError where the
    target is wrong, ImportError where an extra is missing.
    """
    parsed = _parse(target)
    if application and "application" not in parsed.parameters:
        parsed = replace(parsed, parameters={**parsed.parameters, "application": application})
    return _factory(parsed.scheme)(parsed)


def _parse(target: str | Target) -> Target:
    if isinstance(target, Target):
        return target
    if not is_registry(target):
        raise ValueError(f"{target!r} names no registry: {targets.expected('static')}")
    return targets.parse(target)


def _factory(scheme: str) -> Factory:
    installed = _installed()
    if scheme in installed:
        return cast(Factory, installed[scheme].load())
    module, _, name = _OURS[scheme].partition(":")
    return cast(Factory, getattr(importlib.import_module(module), name))


@cache
def _installed() -> Mapping[str, Any]:
    """The entry points by name. ValueError where two share one, or take one of ours."""
    found: dict[str, Any] = {}
    for entry in entry_points(group=GROUP):
        other = _OURS.get(entry.name) or getattr(found.get(entry.name), "value", entry.value)
        if other != entry.value:
            raise ValueError(
                f"two registries are installed as {entry.name!r}: {other} and {entry.value}; "
                "uninstall one, or rename its entry point"
            )
        found[entry.name] = entry
    return found
