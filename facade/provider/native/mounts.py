"""Generated services on a server."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc

from facade.core.chain import chain
from facade.core.filter import PROVIDER
from facade.core.hint import suggest
from facade.core.method import Method, Service
from facade.plugins import FilterList, check_settings, merge, resolve
from facade.provider.native.servicer import ServicerInvoker, ServicerMethod
from facade.provider.pool import ThreadPool
from facade.service import filter_settings

Handlers = Mapping[str, grpc.RpcMethodHandler]


class Path:
    """What a grpc.GenericRpcHandler is asked with."""

    __slots__ = ("invocation_metadata", "method")

    def __init__(self, method: str) -> None:
        self.method = method
        self.invocation_metadata = ()


class Mounted:
    """A service that is mounted, with its chain. One handler may answer for any number of
    services, and not say their names: then ``name`` is "*"."""

    def __init__(self, name: str, handler: grpc.GenericRpcHandler | None) -> None:
        self.name = name
        self.handler = handler
        # Those that are known: the others are asked for as they are called.
        self.handlers: dict[str, grpc.RpcMethodHandler] = {}
        self.invoker: Any = ServicerInvoker(name)
        self._pool: ThreadPool | None = None
        self._methods: dict[str, ServicerMethod] = {}

    def run(self, filters: FilterList, settings: Mapping[str, Any], pool: ThreadPool) -> None:
        """With these filters around it."""
        self._pool = pool
        self._methods.clear()
        self.invoker = chain(resolve(filters, PROVIDER, settings), ServicerInvoker(self.name))

    def find(self, path: str, details: Any) -> ServicerMethod | None:
        found = self._methods.get(path)
        service, _, name = path[1:].rpartition("/")
        if found is not None and self.handlers.get(name) in (None, found.handler):
            return found
        handler = self.handlers.get(name)
        if handler is None and self.handler is not None:
            handler = self.handler.service(details)
        if handler is None:
            return None
        made = ServicerMethod(service, name, handler, self.invoker, self._pool)
        if self.name != "*":  # what names it may give nobody knows
            self._methods[path] = made
        return made

    def has(self, name: str) -> bool:
        """Whether there is such a method."""
        path = f"/{self.name}/{name}"
        return self.find(path, Path(path)) is not None

    def __repr__(self) -> str:
        return f"<Mounted {self.name}: {self.invoker!r}>"


class Mounts:
    """Those of one server, with its filters around them. ``told``: who learns of each name."""

    def __init__(
        self,
        filters: FilterList,
        settings: Mapping[str, Any],
        pool: ThreadPool,
        told: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._filters = filters
        self._settings = settings
        self._pool = pool
        self._told = told
        self._by_name: dict[str, Mounted] = {}
        # Those that don't say what they have, to be asked in turn.
        self._others: list[Mounted] = []

    @property
    def names(self) -> list[str]:
        return list(self._by_name)

    def __bool__(self) -> bool:
        return bool(self._by_name or self._others)

    def mount(
        self,
        add: Any,
        servicer: object,
        *,
        filters: FilterList = (),
        methods: Mapping[str, Mapping[str, Any]] | None = None,
        **settings: Any,
    ) -> Mounted:
        if isinstance(servicer, type):
            raise TypeError(f"mount an object, {servicer.__name__}(...), not the class")
        if not callable(add):
            raise TypeError(f"mount(add_..._to_server, servicer): not {add!r}")
        recorder = Recorder()
        add(servicer, recorder)
        if len(recorder.mounted) != 1:
            raise TypeError(
                f"{getattr(add, '__name__', add)} adds {len(recorder.mounted)} services: mount "
                "takes a generated add_..._to_server, which adds one"
            )
        (mounted,) = recorder.mounted
        self._check_free(mounted.name)
        service = _service(mounted, methods or {})
        merged = merge(self._filters, filters)
        check_settings(filter_settings(service, {}, settings, methods), merged, mounted.name)
        own = filter_settings(service, self._settings, settings, methods)
        mounted.run(merged, own, self._pool)
        self._put(mounted)
        return mounted

    def add(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """With the server's filters. As in gRPC, of two for one name the first is asked."""
        recorder = Recorder()
        recorder.add_generic_rpc_handlers(handlers)
        for mounted in recorder.mounted:
            mounted.run(self._filters, self._settings, self._pool)
            if mounted.name in self._by_name:
                self._others.append(mounted)
            else:
                self._put(mounted)

    def register(self, service: str, handlers: Handlers) -> None:
        mounted = self._by_name.get(service)
        if mounted is None:
            mounted = Mounted(service, None)
            mounted.run(self._filters, self._settings, self._pool)
            self._put(mounted)
        mounted.handlers.update(handlers)

    def _put(self, mounted: Mounted) -> None:
        if mounted.name == "*":
            self._others.append(mounted)
        else:
            self._by_name[mounted.name] = mounted
            self._told(mounted.name)

    def _check_free(self, name: str) -> None:
        if name in self._by_name:
            raise ValueError(f"{name} is mounted already: one server has it once")

    def find(self, details: Any) -> ServicerMethod | None:
        path: str = details.method
        mounted = self._by_name.get(path[1:].rpartition("/")[0])
        found = mounted.find(path, details) if mounted is not None else None
        if found is None:
            for other in self._others:
                found = other.find(path, details)
                if found is not None:
                    return found
        return found

    def missing(self, path: str) -> str | None:
        """What there is instead, where the service is known."""
        service, _, name = path[1:].rpartition("/")
        mounted = self._by_name.get(service)
        if mounted is None:
            return None
        names = list(mounted.handlers)
        has = f"; {suggest(name, names)}it has: {', '.join(names)}" if names else ""
        return f"{service} has no method {name!r}{has}"


class Recorder:
    """Takes the place of the server that generated code adds a service to."""

    def __init__(self) -> None:
        self.mounted: list[Mounted] = []

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        for handler in handlers:
            name = handler.service_name() if isinstance(handler, grpc.ServiceRpcHandler) else "*"
            self.mounted.append(Mounted(name or "*", handler))

    def add_registered_method_handlers(self, service: str, handlers: Handlers) -> None:
        for mounted in self.mounted:
            if mounted.name == service:
                mounted.handlers.update(handlers)
                return
        self.mounted.append(Mounted(service, None))
        self.mounted[-1].handlers.update(handlers)


def _service(mounted: Mounted, named: Mapping[str, Any]) -> Service:
    """As far as it is known: older generated code does not say which methods there are."""
    names = [*mounted.handlers, *(n for n in named if n not in mounted.handlers)]
    known = [name for name in names if name in mounted.handlers or mounted.has(name)]
    methods = {name: Method(mounted.name, name, (), Any) for name in known}
    return Service(mounted.name, methods)
