"""What a server exports, for consumers in its own process."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from facade.core.errors import Sent, Unimplemented
from facade.core.invocation import Invocation
from facade.exchange.answering import Channels, Peer
from facade.exchange.injvm import exported
from facade.provider.description import answer_describe
from facade.provider.exporter import REMOTE, ExportedMethod, Exporter, ExportTable
from facade.provider.unary import UnaryCalls


class InProcess:
    """One server in the table of the process, from its start to its stop."""

    def __init__(
        self, place: str, exports: ExportTable, max_message_size: int, application: str
    ) -> None:
        self._place = place
        self._exports = exports
        self._application = application
        self._calls = UnaryCalls(LocalExports(exports), max_message_size)
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None
        return self._loop

    def serve(
        self, wire: Any, received: float, peer: Peer, channels: Channels | None = None
    ) -> Coroutine[Any, Any, Any]:
        return self._calls.serve(wire, received, peer, channels=channels)

    def describe(self, request: bytes) -> bytes:
        shown = [e.service for e in self._exports if e.scope != REMOTE]
        return answer_describe(shown, self._application, request)

    def start(self, exporters: Iterable[Exporter]) -> None:
        """Let the services of these be called, on the loop that runs here."""
        self._loop = asyncio.get_running_loop()
        for exporter in exporters:
            self.add(exporter)

    def add(self, exporter: Exporter) -> None:
        if self._loop is not None and exporter.scope != REMOTE:
            exported.add(self._place, exporter.service.key, self)

    def remove(self, exporter: Exporter) -> None:
        exported.remove(self._place, exporter.service.key, self)

    async def stop(self, exporters: Iterable[Exporter], reason: str, grace: float) -> None:
        """Take no new calls, and let those under way end for ``grace`` seconds."""
        for exporter in exporters:
            self.remove(exporter)
        await self._calls.drain(reason, grace)


class LocalExports:
    """All that can be called from within the process."""

    def __init__(self, exports: ExportTable) -> None:
        self._exports = exports

    @property
    def oneway_failures(self) -> int:
        return self._exports.oneway_failures

    @oneway_failures.setter
    def oneway_failures(self, count: int) -> None:
        self._exports.oneway_failures = count

    def find(self, invocation: Invocation) -> ExportedMethod:
        exporter = self._exports.get(invocation.service_key)
        if exporter is not None and exporter.scope != REMOTE:
            method = exporter.methods.get(invocation.name)
            if method is not None:
                return method
        raise Unimplemented(
            self._exports.missing(invocation, hidden=REMOTE), sent=Sent.NOT_EXECUTED
        )
