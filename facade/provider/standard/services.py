"""The standard services of one server, as one."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import grpc

from facade.provider.exporter import LOCAL, Exporter
from facade.provider.listener import ExporterListener
from facade.provider.standard import channelz_service
from facade.provider.standard.health import Health

FACADE = "facade.v1.Facade"


class StandardServices(ExporterListener):
    """Knows what is exported to the network, and tells tools of it."""

    def __init__(
        self, *, health: bool, reflection: bool, channelz: bool, typed: bool = True
    ) -> None:
        """``typed``: whether what is exported can be called as gRPC methods of its own names,
        and so is shown. ImportError where ``channelz`` is wanted and not installed."""
        if channelz:
            channelz_service.check_installed()
        self.health = Health()
        self._wanted = {"health": health, "reflection": reflection, "channelz": channelz}
        self._typed = typed
        # Replaced, never changed: what was made of them can tell that they are no more.
        self._exporters: tuple[Exporter, ...] = ()
        self._others: frozenset[str] = frozenset()
        self._standard = {FACADE}
        self._files: tuple[object, Any] | None = None
        self._stopped = asyncio.Event()

    # What there is

    def exported(self, exporter: Exporter, /) -> None:
        if exporter.scope != LOCAL:
            self._exporters = (*self._exporters, exporter)
            self.health.add(exporter.service.name, exporter.service.key)

    def unexported(self, exporter: Exporter, /) -> None:
        if exporter in self._exporters:
            self._exporters = tuple(e for e in self._exporters if e is not exporter)
            self.health.remove(exporter.service.name, exporter.service.key)

    def add(self, *names: str) -> None:
        """These services of generated code can be called too: their descriptors are in the
        default pool. Once more is no error, and "*", for a service without a name, no name."""
        for name in {*names} - self._others - {"*"}:
            self._others |= {name}
            self.health.add(name)

    # For the server

    def handler(self) -> grpc.GenericRpcHandler:
        """For a listener: answers calls of them. To be asked before those who answer all."""
        made: list[grpc.ServiceRpcHandler] = []
        if self._wanted["health"]:
            from facade.provider.standard.health_service import HealthService

            made.append(HealthService(self.health).handler)
        if self._wanted["reflection"]:
            from facade.provider.standard.reflection_service import NAMES, Reflection

            made += [Reflection(name, self._shown, self._stopped).handler for name in NAMES]
        if self._wanted["channelz"]:
            made += channelz_service.handlers()
        handlers = {handler.service_name(): handler for handler in made}
        self._standard = {FACADE, *handlers}
        return _Handler(handlers, self._is_taken)

    def _is_taken(self, name: str) -> bool:
        return name in self._others or any(e.service.name == name for e in self._exporters)

    def stop(self) -> None:
        """Nothing serves any more. Ends the streams of tools."""
        self._stopped.set()
        self.health.stop()

    def _shown(self) -> Any:
        """The files of what there is now."""
        there = exporters, others = self._exporters, self._others
        if self._files is None or self._files[0] != there:
            from facade.provider.standard.descriptors import typed_files
            from facade.provider.standard.files import Files

            typed = typed_files(exporters if self._typed else ())
            self._files = there, Files(typed, self._standard | others)
        return self._files[1]


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
    """All of them. What the user serves himself is his: ``taken`` tells by name."""

    def __init__(
        self, handlers: Mapping[str, grpc.ServiceRpcHandler], taken: Callable[[str], bool]
    ) -> None:
        self._handlers = handlers
        self._taken = taken

    def service(self, details: Any) -> grpc.RpcMethodHandler | None:
        name = details.method[1:].rpartition("/")[0]
        handler = self._handlers.get(name)
        return None if handler is None or self._taken(name) else handler.service(details)
