"""What one server exports, to the network and within its process; and who is told of it."""

import contextlib
from collections.abc import Iterator, Sequence

from facade.core.listener import tell
from facade.provider.exporter import Exporter, ExportTable
from facade.provider.inprocess import InProcess
from facade.provider.listener import ExporterListener


class Publication:
    """The exporters of a server, until they are unexported."""

    def __init__(
        self, exports: ExportTable, local: InProcess, listeners: Sequence[ExporterListener]
    ) -> None:
        self._exports = exports
        self._local = local
        self._listeners = tuple(listeners)

    def __iter__(self) -> Iterator[Exporter]:
        return iter(self._exports)

    def add(self, exporter: Exporter) -> None:
        """Raises what the last listener that failed raised: then it is not exported."""
        self._exports.add(exporter)
        self._local.add(exporter)
        error = tell(self._listeners, "exported", exporter)
        if error is not None:
            with contextlib.suppress(Exception):  # it is logged
                exporter.unexport()
            raise error

    def remove(self, exporter: Exporter) -> None:
        """For ``Exporter.unexport``, and as it says."""
        if not self._exports.remove(exporter):
            return
        self._local.remove(exporter)
        error = tell(self._listeners, "unexported", exporter)
        if error is not None:
            raise error

    def clear(self) -> None:
        """The server has stopped."""
        for exporter in self:
            with contextlib.suppress(Exception):  # it is logged
                exporter.unexport()
            if exporter.pool is not None:
                exporter.pool.close()
