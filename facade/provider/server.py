"""The server."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from facade.core.chain import chain
from facade.core.errors import Sent, Unavailable
from facade.core.filter import CONSUMER, PROVIDER
from facade.exchange.connection import Connection
from facade.exchange.settings import DEFAULT_MAX_MESSAGE, Settings
from facade.exchange.stream import FrameStream
from facade.exchange.transport import GrpcListener, server_options
from facade.loops import new_event_loop
from facade.plugins import FilterList, resolve
from facade.provider.exporter import Exporter, ExportTable, check_implementation
from facade.provider.listeners import Listeners
from facade.provider.local import LocalInvoker
from facade.provider.pool import ThreadPool
from facade.provider.unary import UnaryCalls
from facade.service import check_timeout, describe

logger = logging.getLogger(__name__)


class Server:
    """Exports services at one address. Times are seconds, sizes bytes.

    filters            names, filter objects, "default", "-name"; the first is outermost
    threads, queue     for methods that are not async: how many run at once, how many more
                       may wait; a call beyond is refused
    callbacks          how many callables of one consumer may be held on one stream
    grace              how long a stop waits for calls under way
    heartbeat          ask a consumer for a sign of life after this long a silence
    heartbeat_timeout  and give the connection up when none comes for this long
    """

    def __init__(
        self,
        address: str = "127.0.0.1:0",
        *,
        filters: FilterList = ("default",),
        application: str = "",
        threads: int = 64,
        queue: int = 1024,
        callbacks: int = 1024,
        grace: float = 10.0,
        max_message_size: int = DEFAULT_MAX_MESSAGE,
        heartbeat: float = 30.0,
        heartbeat_timeout: float = 10.0,
    ) -> None:
        check_timeout(heartbeat, "heartbeat")
        check_timeout(heartbeat_timeout, "heartbeat_timeout")
        if callbacks < 0:
            raise ValueError(f"callbacks={callbacks}: no less than 0")
        self.address = address
        self.port = 0
        self._grace = grace
        self._filters = filters
        self._settings = Settings(
            application=application,
            max_message_size=max_message_size,
            heartbeat=heartbeat,
            heartbeat_timeout=heartbeat_timeout,
        )
        resolve(filters, PROVIDER, {})  # a wrong name is an error here, not at the first export
        self._callbacks = callbacks
        self._callback_filters = resolve(("default",), CONSUMER, {})
        self._exports = ExportTable()
        self._pool = ThreadPool(threads, queue)
        self._unary = UnaryCalls(self._exports, max_message_size)
        self._connections: set[Connection] = set()
        self._listener: GrpcListener | None = None
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
    ) -> Exporter:
        """Let the methods of ``interface`` be called on ``implementation``.

        Its methods may be ``async def`` or ``def``, whatever the interface says; the
        latter run in threads. ``group`` and ``version`` override those of the interface.
        ``timeout`` (seconds) is what the provider suggests for the service.
        """
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
        return self._exports.add(service, chain(resolve(self._filters, PROVIDER, {}), end))

    @property
    def exporters(self) -> list[Exporter]:
        return list(self._exports)

    # Life

    async def start(self) -> None:
        """Listen. OSError where the address can't be had."""
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
        await asyncio.gather(*drains, self._unary.drain("the provider stops", grace))
        if listener is not None:
            await listener
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
        listeners = Listeners(connection, self._callback_filters, self._callbacks)
        connection.peer.listeners = listeners
        try:
            await connection.run()
        finally:
            listeners.close()
            self._connections.discard(connection)

    def __repr__(self) -> str:
        keys = ", ".join(exporter.service.key for exporter in self._exports)
        return f"<Server at {self.address}: {keys or 'nothing exported'}>"
