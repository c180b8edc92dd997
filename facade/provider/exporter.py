"""What a server exports."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from facade.codec import Codec
from facade.core.chain import chain
from facade.core.errors import Sent, Unimplemented
from facade.core.filter import Filter, Invoker
from facade.core.hint import suggest
from facade.core.invocation import Invocation
from facade.core.method import Method, Service
from facade.exchange.reference import method_codec
from facade.provider.generic import InvokeCodec, is_invoke
from facade.provider.pool import ThreadPool

# Who may call what is exported: this process alone, the network alone, or (None) both.
Scope = Literal["local", "remote"] | None
LOCAL: Scope = "local"
REMOTE: Scope = "remote"

# Service, group, version, method.
_Key = tuple[str, str, str, str]


class ExportedMethod:
    """One method that can be called."""

    __slots__ = ("codec", "invoker", "method", "special", "typed")

    def __init__(self, method: Method, invoker: Invoker, codec: Codec | None = None) -> None:
        self.method = method
        self.codec: Codec = codec or method_codec(method)
        self.invoker = invoker
        self.special = bool(method.callbacks) or method.streaming
        self.typed: Any = None  # for calls as a gRPC method of its own: made at the first one


class Exporter:
    """A service that can be called until it is unexported. (Dubbo: Exporter)"""

    def __init__(
        self,
        service: Service,
        filters: Sequence[Filter],
        end: Invoker,
        scope: Scope,
        unexport: Callable[["Exporter"], None],
        settings: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.service = service
        self.settings = settings
        self.invoker = chain(filters, end)
        self.scope = scope
        self.methods = {
            name: ExportedMethod(method, self.invoker) for name, method in service.methods.items()
        }
        self.methods |= self._answered_by(filters, end)
        self._unexport = unexport
        # Threads of its own, where it has such, and what takes over when it is unexported.
        self.pool: ThreadPool | None = None
        self._shared_pool: ThreadPool | None = None

    def _answered_by(self, filters: Sequence[Filter], end: Invoker) -> dict[str, ExportedMethod]:
        """What can be called though the interface does not have it, by a chain of its own."""
        own = self.methods.copy()
        found: dict[str, ExportedMethod] = {}
        for filter in reversed(filters):  # of two, the outer one answers
            for method in filter.answers:
                method = method._replace(service=self.service.name)
                codec = InvokeCodec(method, own) if is_invoke(method) else None
                invoker = chain(filters, end, of=filter)
                found[method.name] = ExportedMethod(method, invoker, codec)
        return found

    def run_in(self, pool: ThreadPool, shared: ThreadPool) -> None:
        """Its methods run in a pool of its own, until it is unexported."""
        self.pool, self._shared_pool = pool, shared

    def unexport(self) -> None:
        """Take it away, once. Calls under way end as they would. Raises what the last listener
        that failed raised; it is taken away all the same."""
        if self.pool is not None and self._shared_pool is not None:
            self.pool.retire(self._shared_pool)
        self._unexport(self)

    def __repr__(self) -> str:
        return f"<Exporter of {self.service.key}: {self.invoker!r}>"


class ExportTable:
    """All exported methods, found in one look-up."""

    def __init__(self) -> None:
        self._methods: dict[_Key, ExportedMethod] = {}
        self._services: dict[str, Exporter] = {}
        self.oneway_failures = 0

    def __iter__(self) -> Any:
        return iter(list(self._services.values()))

    def get(self, key: str) -> Exporter | None:
        return self._services.get(key)

    def add(self, exporter: Exporter) -> None:
        """ValueError where the key is taken."""
        service = exporter.service
        if service.key in self._services:
            raise ValueError(
                f"{service.key} is exported already: unexport it first, or give another group "
                "or version"
            )
        self._services[service.key] = exporter
        if exporter.scope != LOCAL:
            for name, method in exporter.methods.items():
                self._methods[service.name, service.group, service.version, name] = method

    def remove(self, exporter: Exporter) -> bool:
        """Whether it was there."""
        service = exporter.service
        if self._services.get(service.key) is not exporter:
            return False
        del self._services[service.key]
        if exporter.scope != LOCAL:
            for name in exporter.methods:
                del self._methods[service.name, service.group, service.version, name]
        return True

    def find(self, invocation: Invocation) -> ExportedMethod:
        """Raises Unimplemented, which says what there is instead."""
        found = self._methods.get(
            (invocation.service, invocation.group, invocation.version, invocation.name)
        )
        if found is None:
            raise Unimplemented(self.missing(invocation, hidden=LOCAL), sent=Sent.NOT_EXECUTED)
        return found

    def missing(self, invocation: Invocation, *, hidden: Scope) -> str:
        """What there is instead; of the scope ``hidden`` nothing is told."""
        shown = [e for e in self if e.scope != hidden]
        service = self._services.get(invocation.service_key)
        if service is not None and service in shown:
            names = list(service.service.methods)
            return (
                f"{invocation.service_key} has no method {invocation.name!r}; "
                f"{suggest(invocation.name, names)}it has: {', '.join(names)}"
            )
        same = [e.service.key for e in shown if e.service.name == invocation.service]
        if same:
            return (
                f"{invocation.service} is not exported with group {invocation.group!r} and version "
                f"{invocation.version!r}; it is exported as: {', '.join(same)}"
            )
        keys = [e.service.key for e in shown]
        return (
            f"no service {invocation.service_key!r} is exported here; "
            f"{suggest(invocation.service, keys)}there are: {', '.join(keys) or 'none at all'}"
        )


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


def check_scope(interface: type, scope: Scope, *, networked: bool) -> None:
    """ValueError for what is no scope, and for one that a server without a network can't have."""
    if scope not in (None, LOCAL, REMOTE):
        raise ValueError(f"scope is 'local', 'remote' or None for both, not {scope!r}")
    if scope == REMOTE and not networked:
        raise ValueError(
            f"{interface.__qualname__}: this server listens to no network: give it an address, "
            "or another scope"
        )
