"""What a server exports."""

import difflib
import inspect
from collections.abc import Callable
from typing import Any

from facade.codec import Codec
from facade.core.errors import Sent, Unimplemented
from facade.core.filter import Invoker
from facade.core.invocation import Invocation
from facade.core.method import Method, Service
from facade.exchange.reference import method_codec

# Service, group, version, method.
_Key = tuple[str, str, str, str]


class ExportedMethod:
    """One method that can be called."""

    __slots__ = ("codec", "invoker", "method")

    def __init__(self, method: Method, invoker: Invoker) -> None:
        self.method = method
        self.codec: Codec = method_codec(method)
        self.invoker = invoker


class Exporter:
    """A service that can be called until it is unexported. (Dubbo: Exporter)"""

    def __init__(self, service: Service, invoker: Invoker, unexport: Callable[[], None]) -> None:
        self.service = service
        self.invoker = invoker
        self._unexport = unexport

    def unexport(self) -> None:
        """Take it away. Calls under way end as they would."""
        self._unexport()

    def __repr__(self) -> str:
        return f"<Exporter of {self.service.key}: {self.invoker!r}>"


class ExportTable:
    """All exported methods, found in one look-up."""

    def __init__(self) -> None:
        self._methods: dict[_Key, ExportedMethod] = {}
        self._services: dict[str, Exporter] = {}

    def __iter__(self) -> Any:
        return iter(list(self._services.values()))

    def add(self, service: Service, invoker: Invoker) -> Exporter:
        """ValueError where the key is taken; TypeError where a type can't travel."""
        if service.key in self._services:
            raise ValueError(
                f"{service.key} is exported already: unexport it first, or give another group "
                "or version"
            )
        methods = {
            (service.name, service.group, service.version, name): ExportedMethod(method, invoker)
            for name, method in service.methods.items()
        }
        exporter = Exporter(service, invoker, lambda: self._remove(exporter))
        self._methods.update(methods)
        self._services[service.key] = exporter
        return exporter

    def _remove(self, exporter: Exporter) -> None:
        service = exporter.service
        if self._services.get(service.key) is exporter:
            del self._services[service.key]
            for name in service.methods:
                del self._methods[service.name, service.group, service.version, name]

    def find(self, invocation: Invocation) -> ExportedMethod:
        """Raises Unimplemented, which says what there is instead."""
        found = self._methods.get(
            (invocation.service, invocation.group, invocation.version, invocation.name)
        )
        if found is None:
            raise Unimplemented(self._missing(invocation), sent=Sent.NOT_EXECUTED)
        return found

    def _missing(self, invocation: Invocation) -> str:
        service = self._services.get(invocation.service_key)
        if service is not None:
            names = list(service.service.methods)
            return (
                f"{invocation.service_key} has no method {invocation.name!r}; "
                f"{_suggest(invocation.name, names)}it has: {', '.join(names)}"
            )
        same = [e.service.key for e in self if e.service.name == invocation.service]
        if same:
            return (
                f"{invocation.service} is not exported with group {invocation.group!r} and version "
                f"{invocation.version!r}; it is exported as: {', '.join(same)}"
            )
        keys = list(self._services)
        return (
            f"no service {invocation.service_key!r} is exported here; "
            f"{_suggest(invocation.service, keys)}there are: {', '.join(keys) or 'none at all'}"
        )


def _suggest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def check_implementation(interface: type, service: Service, implementation: object) -> None:
    """TypeError where a method is missing, or can't be called as the interface says."""
    if isinstance(implementation, type):
        raise TypeError(f"export an object, {implementation.__name__}(...), not the class")
    for name, method in service.methods.items():
        function = getattr(implementation, name, None)
        if not callable(function) or _is_stub(interface, implementation, name):
            raise TypeError(f"{type(implementation).__qualname__} does not implement {method}")
        try:
            inspect.signature(function).bind(
                *(p.name for p in method.parameters if not p.keyword_only),
                **{p.name: None for p in method.parameters if p.keyword_only},
            )
        except TypeError as error:
            raise TypeError(
                f"{type(implementation).__qualname__}.{name} can't be called as {method} says: "
                f"{error}"
            ) from None


def _is_stub(interface: type, implementation: object, name: str) -> bool:
    """Whether the interface's own function is all there is, in a class that derives from it."""
    cls = type(implementation)
    return cls is not interface and getattr(cls, name, None) is getattr(interface, name)
