"""The standard services of one server, as one."""

import asyncio
from typing import Any

from facade.provider.exporter import LOCAL, Exporter
from facade.provider.listener import ExporterListener
from facade.provider.standard import channelz_service
from facade.provider.standard.health import Health

FACADE = "facade.v1.Facade"


class StandardServices(ExporterListener):
    """Knows what is exported to the network, and tells tools of it."""

    def __init__(self, *, health: bool, reflection: bool, channelz: bool) -> None:
        """ImportError where ``channelz`` is wanted, and its package is not installed."""
        if channelz:
            channelz_service.check_installed()
        self.health = Health()
        self._wanted = {"health": health, "reflection": reflection, "channelz": channelz}
        self._exporters: list[Exporter] = []
        self._others: set[str] = set()
        self._standard = {FACADE}
        self._files: Any = None
        self._stopped = asyncio.Event()

    # What there is

    def exported(self, exporter: Exporter, /) -> None:
        if exporter.scope != LOCAL:
            self._exporters.append(exporter)
            self._files = None
            self.health.add(exporter.service.name, exporter.service.key)

    def unexported(self, exporter: Exporter, /) -> None:
        if exporter in self._exporters:
            self._exporters.remove(exporter)
            self._files = None
            self.health.remove(exporter.service.name, exporter.service.key)

    def add(self, name: str) -> None:
        """A service of generated code can be called too: its descriptors are in the default
        pool."""
        self._others.add(name)
        self._files = None
        self.health.add(name)

    # For the server

    def handlers(self) -> list[Any]:
        """For a listener: what answers calls of them."""
        made: list[Any] = []
        if self._wanted["health"]:
            from facade.provider.standard import health_service

            made.append(health_service.HealthService(self.health).handler)
            self._standard.add(health_service.NAME)
        if self._wanted["reflection"]:
            from facade.provider.standard import reflection_service

            for name in reflection_service.NAMES:
                made.append(reflection_service.Reflection(name, self._shown, self._stopped).handler)
                self._standard.add(name)
        if self._wanted["channelz"]:
            made += channelz_service.handlers()
            self._standard.add(channelz_service.NAME)
        return made

    def stop(self) -> None:
        """Nothing serves any more. Ends the streams of tools."""
        self._stopped.set()
        self.health.stop()

    def _shown(self) -> Any:
        """The files of what there is now."""
        if self._files is None:
            from facade.provider.standard.descriptors import typed_files
            from facade.provider.standard.files import Files

            self._files = Files(typed_files(self._exporters), self._standard | self._others)
        return self._files
