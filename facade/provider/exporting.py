"""The part of a server that exports."""

import asyncio
from collections.abc import Mapping
from typing import Any

from facade.core.filter import PROVIDER
from facade.exchange.injvm import place
from facade.plugins import FilterList, check_settings, merge, resolve
from facade.provider.exporter import (
    Exporter,
    ExportTable,
    Scope,
    check_implementation,
    check_scope,
)
from facade.provider.local import LocalInvoker
from facade.provider.native import Host
from facade.provider.pool import ThreadPool
from facade.provider.publication import Publication
from facade.provider.standard import Health, StandardServices
from facade.service import check_timeout, describe, filter_settings, with_timeouts


class Exporting(Host):
    """``export``, and what there is to know of what is exported."""

    address: str
    pool: ThreadPool
    _filters: FilterList
    _filter_settings: dict[str, Any]
    _exports: ExportTable
    _published: Publication
    _standard: StandardServices
    _stopping: asyncio.Task[None] | None

    def export(
        self,
        interface: type,
        implementation: object,
        *,
        group: str | None = None,
        version: str | None = None,
        timeout: float | None = None,
        timeouts: Mapping[str, float] | None = None,
        filters: FilterList = (),
        scope: Scope = None,
        threads: int | None = None,
        queue: int | None = None,
        methods: Mapping[str, Mapping[str, Any]] | None = None,
        **settings: Any,
    ) -> Exporter:
        """Let the methods of ``interface`` be called on ``implementation``.

        Its methods may be ``async def`` or ``def``, whatever the interface says; the
        latter run in threads. ``group`` and ``version`` override those of the interface.
        ``timeout`` (seconds) is what the provider suggests for the service, ``timeouts``
        for methods by name: consumers learn of both when they connect. ``filters`` are for
        this service, and come after the server's. ``scope``: "local" for consumers in this
        process alone, "remote" for those at the network alone. ``threads`` gives it a pool
        of its own, with room for ``queue`` more calls (else: as the server).

        Anything else is a setting for filters, and ``methods`` says such for single methods:
        ``export(Greeter, impl, executes=100, methods={"hello": {"executes": 5}})``.

        RuntimeError once the server has stopped. (Dubbo: DubboProtocol#checkDestroyed)
        """
        if self._stopping is not None:
            raise RuntimeError(f"{interface.__qualname__}: this server has stopped: make another")
        check_scope(interface, scope, networked=place(self.address) is None)
        check_timeout(timeout, "timeout of the export")
        service = with_timeouts(describe(interface), timeouts or {})
        check_implementation(interface, service, implementation)
        service = service._replace(
            group=service.group if group is None else group,
            version=service.version if version is None else version,
            timeout=timeout or service.timeout,
        )
        pool = self.pool.own(threads, queue, service.key)
        end = LocalInvoker(service, implementation, pool)
        merged = merge(self._filters, filters)
        check_settings(filter_settings(service, {}, settings, methods), merged, service.name)
        own = filter_settings(service, self._filter_settings, settings, methods)
        chosen = resolve(merged, PROVIDER, own)
        exporter = Exporter(service, chosen, end, scope, self._published.remove, own)
        if pool is not self.pool:
            exporter.run_in(pool, self.pool)
        self._published.add(exporter)
        return exporter

    @property
    def exporters(self) -> list[Exporter]:
        return list(self._published)

    @property
    def oneway_failures(self) -> int:
        """How many oneway calls have failed here. Their callers are not told; the log is."""
        return self._exports.oneway_failures

    @property
    def health(self) -> Health:
        """Which services serve, as tools are told: ``server.health["demo.Greeter"] = False``."""
        return self._standard.health
