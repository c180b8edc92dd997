"""What ``facade serve`` tells Prometheus."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from typing import Any

from facade.cli import failure

# Where prometheus_client keeps the figures of each process, if it finds this in its environment.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """Figures of this process, or of ``workers`` together, over HTTP at "host:port".

    Those of a worker that has ended are counted on: a counter never sinks.
    """

    def __init__(self, address: str, *, workers: bool) -> None:
        host, colon, port = address.rpartition(":")
        host = host or "0.0.0.0"
        if not (colon and port.isascii() and port.isdigit()):
            failure.fail(f"--metrics {address}: write HOST:PORT", failure.USAGE)
        try:
            import prometheus_client
        except ImportError:
            failure.fail("--metrics needs prometheus-client: pip install 'facade-rpc[prometheus]'")
        self._own = ""
        registry: Any = prometheus_client.REGISTRY
        if workers:
            registry = prometheus_client.CollectorRegistry()
            self._merge(registry)
        try:
            self._server, _ = prometheus_client.start_http_server(
                int(port), host.strip("[]"), registry
            )
        except (OSError, OverflowError) as error:
            self._remove()
            failure.fail(f"cannot serve metrics at {address}: {error}")
        self.url = f"http://{host}:{self._server.server_port}/metrics"

    @property
    def environment(self) -> Mapping[str, str]:
        """Of the workers."""
        return {**os.environ, FOLDER: self._folder}

    def ended(self, pid: int) -> None:
        """A worker: what it said of its state is no longer so."""
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(pid, self._folder)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._remove()

    def _merge(self, registry: Any) -> None:
        from prometheus_client import multiprocess

        self._folder = os.environ.get(FOLDER, "")
        if not self._folder:
            self._folder = self._own = tempfile.mkdtemp(prefix="facade-metrics-")
        multiprocess.MultiProcessCollector(registry, self._folder)  # type: ignore[no-untyped-call]

    def _remove(self) -> None:
        if self._own:
            shutil.rmtree(self._own, ignore_errors=True)
