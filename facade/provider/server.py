"""The server."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from facade.core.chain import chain
from facade.core.errors import Sent, Unavailable
from facade.core.filter import PROVIDER
from facade.core.listener import check_listeners, tell
from facade.exchange.connection import Connection
from facade.exchange.injvm import INJVM, place
from facade.exchange.settings import DEFAULT_MAX_MESSAGE, Settings
from facade.exchange.stream import FrameStream
from facade.exchange.transport import GrpcListener, server_options
from facade.loops import new_event_loop
from facade.plugins import FilterList, merge, resolve
from facade.provider.exporter import (
    LOCAL,
    REMOTE,
    Exporter,
    ExportTable,
    Scope,
    check_implementation,
)
from facade.provider.inprocess import InProcess
from facade.provider.listener import ExporterListener
from facade.provider.local import LocalInvoker
from facade.provider.pool import ThreadPool
from facade.provider.unary import UnaryCalls
from facade.service import check_timeout, describe

logger = logging.getLogger(__name__)


class Server:
    """Exports services at one address. Times are seconds, sizes bytes.

    While it runs, what it exports can also be called within the process, by clients of
    "injvm". At the address "injvm", or "injvm:" and a name, it can be called only there.

    filters            names, filter objects, "default", "-name"; the first is outermost
    filter_settings    what filters find in ``configure``, and ``when`` asks for
    listeners          are told of each service that is exported or unexported
    threads, queue     for methods that are not async: how many run at once, how many more
                       may wait; a call beyond is refused
    grace              how long a stop waits for calls under way
    heartbeat          ask a consumer for a sign of life after this long a silence
    heartbeat_timeout  and give the connection up when none comes for this long
    """

    def __init__(
        self,
        address: str = "127.0.0.1:0",
        *,
        filters: FilterList = ("default",),
        filter_settings: Mapping[str, Any] | None = None,
        listeners: Sequence[ExporterListener] = (),
        application: str = "",
        threads: int = 64,
        queue: int = 1024,
        grace: float = 10.0,
        max_message_size: int = DEFAULT_MAX_MESSAGE,
        heartbeat: float = 30.0,
        heartbeat_timeout: float = 10.0,
    ) -> None:
        check_timeout(heartbeat, "heartbeat")
        check_timeout(heartbeat_timeout, "heartbeat_timeout")
        check_listeners(listeners, ExporterListener, ("exported", "unexported"))
        self.address = address
        self.port = 0
        self._grace = grace
        self._filters = filters
        self._filter_settings = dict(filter_settings or {})
        self._listeners = tuple(listeners)
        self._settings = Settings(
            application=application,
            max_message_size=max_message_size,
            heartbeat=heartbeat,
            heartbeat_timeout=heartbeat_timeout,
        )
        # A wrong name is an error here, not at the first export.
        resolve(filters, PROVIDER, self._filter_settings)
        self._exports = ExportTable()
        self._pool = ThreadPool(threads, queue)
        self._unary = UnaryCalls(self._exports, max_message_size)
        self._local = InProcess(place(address) or INJVM, self._exports, max_message_size)
        self._connections: set[Connection] = set()
        self._listener: GrpcListener | None = None
        self._started = False
        self._stopping: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    # Exporting

    def export(
        self,
        interface: type,
        implementation: object,
        *,
        group: str | None = None,
        version: str | None = None,
        timeout: float | None = None,
        filters: FilterList = (),
        scope: Scope = None,
    ) -> Exporter:
        """Let the methods of ``interface`` be called on ``implementation``.

        Its methods may be ``async def`` or ``def``, whatever the interface says; the
        latter run in threads. ``group`` and ``version`` override those of the interface.
        ``timeout`` (seconds) is what the provider suggests for the service. ``filters`` are
        for this service, and come after the server's. ``scope``: "local" for consumers in
        this process alone, "remote" for those at the network alone.

        RuntimeError once the server has stopped. (Dubbo: DubboProtocol#checkDestroyed)
        """
        self._check_scope(interface, scope)
        check_timeout(timeout, "timeout of the export")
        service = describe(interface)
        check_implementation(interface, service, implementation)
        service = replace(
            service,
            group=service.group if group is None else group,
            version=service.version if version is None else version,
            timeout=timeout or service.timeout,
        )
        end = LocalInvoker(service, implementation, self._pool)
        chosen = resolve(merge(self._filters, filters), PROVIDER, self._filter_settings)
        exporter = Exporter(service, chain(chosen, end), scope, self._unexport)
        self._exports.add(exporter)
        self._local.add(exporter)
        error = tell(self._listeners, "exported", exporter)
        if error is not None:
            with contextlib.suppress(Exception):  # it is logged
                exporter.unexport()
            raise error
        return exporter

    def _check_scope(self, interface: type, scope: Scope) -> None:
        if self._stopping is not None:
            raise RuntimeError(f"{interface.__qualname__}: this server has stopped: make another")
        if scope not in (None, LOCAL, REMOTE):
            raise ValueError(f"scope is 'local', 'remote' or None for both, not {scope!r}")
        if scope == REMOTE and place(self.address) is not None:
            raise ValueError(
                f"{interface.__qualname__}: a server at {self.address!r} listens to no network: "
                "give it an address, or another scope"
            )

    def _unexport(self, exporter: Exporter) -> None:
        if not self._exports.remove(exporter):
            return
        self._local.remove(exporter)
        error = tell(self._listeners, "unexported", exporter)
        if error is not None:
            raise error

    @property
    def exporters(self) -> list[Exporter]:
        return list(self._exports)

    # Life

    async def start(self) -> None:
        """Listen. OSError where the address can't be had; RuntimeError for the second time."""
        if self._started or self._stopping is not None:
            raise RuntimeError(f"{self!r} was started before: a server runs once, make another")
        if place(self.address) is None:
            await self._listen()
        self._started = True
        self._local.start(self._exports)

    async def _listen(self) -> None:
        settings = self._settings
        options = server_options(
            settings.max_message_size, settings.heartbeat, settings.heartbeat_timeout
        )
        self._listener = GrpcListener(self.exchange, self._unary.invoke, options)
        self.port = await self._listener.start(self.address)
        logger.info("listening at %s, port %d", self.address, self.port)

    async def stop(self, grace: float | None = None) -> None:
        """Take no new calls, let those under way end for ``grace`` seconds, hang up.

        A call that has not ended by then gets one error which says so.
        """
        if self._stopping is None:
            self._stopping = asyncio.create_task(
                self._stop(self._grace if grace is None else grace), name="facade-stop"
            )
        await asyncio.shield(self._stopping)

    async def _stop(self, grace: float) -> None:
        # A little more for gRPC: we end the streams ourselves, each call with its error.
        listener = (
            asyncio.create_task(self._listener.stop(grace + 2))
            if self._listener is not None
            else None
        )
        drains = [c.drain("the provider stops", grace) for c in self._connections]
        await asyncio.gather(
            *drains,
            self._unary.drain("the provider stops", grace),
            self._local.stop(self._exports, "the provider stops", grace),
        )
        if listener is not None:
            await listener
        for exporter in self._exports:
            with contextlib.suppress(Exception):  # it is logged
                exporter.unexport()
        self._pool.close()
        self._stopped.set()
        logger.info("stopped at %s", self.address)

    async def wait(self) -> None:
        """Wait until it is stopped."""
        await self._stopped.wait()

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM, then stop in peace. Blocks."""
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop_on_signal, number)
        async with self:
            await self.wait()

    def _stop_on_signal(self, number: int) -> None:
        logger.info("%s: stopping", signal.Signals(number).name)
        self._signalled = asyncio.ensure_future(self.stop())

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    # What comes in

    @property
    def invoke(self) -> Callable[[bytes, str, float | None], Awaitable[bytes]]:
        """Answer one unary call: serialized messages in and out."""
        return self._unary.invoke

    async def exchange(self, stream: FrameStream) -> None:
        """Serve one stream to its end."""
        if self._stopping is not None:
            stream.close(Unavailable("the provider stops", sent=Sent.NOT_SENT))
            return
        connection = Connection(stream, self._settings, self._exports, opened=False)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)

    def __repr__(self) -> str:
        keys = ", ".join(exporter.service.key for exporter in self._exports)
        return f"<Server at {self.address}: {keys or 'nothing exported'}>"
