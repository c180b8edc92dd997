"""The server."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from facade.core.filter import CONSUMER, PROVIDER
from facade.core.listener import check_listeners
from facade.core.log import get_logger
from facade.core.settings import FilterSettings
from facade.exchange.handlers import Handlers, OnConnect, OnDisconnect
from facade.exchange.injvm import INJVM, place
from facade.exchange.limits import DEFAULT, Limits
from facade.exchange.listener import GrpcListener
from facade.exchange.port import check_port
from facade.exchange.room import Room
from facade.exchange.security import server_tls
from facade.exchange.settings import DEFAULT_MAX_MESSAGE, Settings
from facade.exchange.stream import FrameStream
from facade.loops import new_event_loop
from facade.plugins import FilterList, check_settings, resolve
from facade.provider.announcer import Announcer
from facade.provider.description import answer_describe
from facade.provider.exporter import (
    LOCAL,
    ExportTable,
)
from facade.provider.exporting import Exporting
from facade.provider.gate import Authenticate, Gate
from facade.provider.inprocess import InProcess
from facade.provider.listener import ExporterListener
from facade.provider.native import NativeDoor
from facade.provider.pool import ThreadPool
from facade.provider.publication import Publication
from facade.provider.standard import StandardServices
from facade.provider.streams import Streams
from facade.provider.unary import UnaryCalls
from facade.provider.watchdog import Watchdog
from facade.service import check_switches

if TYPE_CHECKING:
    from facade.exchange.tls import ServerTls
    from facade.provider.native.calls import NativeCalls

logger = get_logger(__name__)


class Server(Exporting):
    """Exports services at one address. Times are seconds, sizes bytes.

    While it runs, what it exports can also be called within the process, by clients of
    "injvm". At the address "injvm", or "injvm:" and a name, it can be called only there.

    filters            names, filter objects, "default", "+name", "-name"; the first is outermost
    filter_settings    what filters find in ``configure``, and ``when`` asks for
    listeners          are told of each service that is exported or unexported
    application        name of this application
    threads, queue     for methods that are not async: how many run at once, how many more
                       may wait; a call beyond is refused
    max_connections    how many consumers may be connected; one more is refused. 0: any number
    max_age            seconds after which a connection is drained, and its consumer makes another;
                       calls under way get ``grace``. 0: it may grow as old as it likes
    authenticate       called with the Peer and what he shows before anything else is done for
                       him; gives who he is, or raises: then he is refused
    limits             Limits(...): what else is taken of consumers
    max_calls          how many calls of one connection are answered at once; one more is refused
    max_cancels        how many calls a second one connection may cancel, or have refused so;
                       it is read more slowly beyond that, and ended after 10 s. 0: any number
    on_connect         called with the Peer when a consumer has connected,
    on_disconnect      and with the Peer and the error (or None) when it is gone
    callbacks          how many callables of one consumer may be held on one stream
    native             what is exported can also be called as gRPC methods of its own names
    grace              how long a stop waits for calls under way
    max_message_size   largest call or answer, unpacked; the smaller one of both ends holds
    heartbeat          ask a consumer for a sign of life after this long a silence
    heartbeat_timeout  and give the connection up when none comes for this long
    health, reflection, channelz   which of gRPC's standard services tools find here
    slow_loop          name a method in the log that blocks the event loop for so long; 0: don't
    reuse_port         share the port with processes that say so too: consumers are spread over them
    tls                certificate and key: then nobody is served without
    compression        "gzip" or "deflate" for what is sent, where the consumer can read it
    socket_mode        of the file at "unix:path", as 0o600; else what the umask leaves
    registry, announce  where exports are announced, by targets, or by Registries that are closed
                        with this server; and at which address if it is another
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
        max_connections: int = 0,
        max_age: float = 0.0,
        authenticate: Authenticate | None = None,
        limits: Limits | None = None,
        max_calls: int = 10_000,
        max_cancels: int = 1_000,
        on_connect: OnConnect | None = None,
        on_disconnect: OnDisconnect | None = None,
        callbacks: int = 1024,
        native: bool = True,
        grace: float = 10.0,
        max_message_size: int = DEFAULT_MAX_MESSAGE,
        heartbeat: float = 30.0,
        heartbeat_timeout: float = 10.0,
        health: bool = True,
        reflection: bool = True,
        channelz: bool = False,
        slow_loop: float = 1.0,
        reuse_port: bool = False,
        tls: "ServerTls | None" = None,
        compression: str | None = None,
        socket_mode: int | None = None,
        registry: Any = (),
        announce: str = "",
    ) -> None:
        if not isinstance(address, str) or not address:
            raise ValueError(f"{address!r} is no address: write it as HOST:PORT")
        if place(address) is None:
            check_port(address)
        check_switches(native=native, reuse_port=reuse_port)
        check_switches(health=health, reflection=reflection, channelz=channelz)
        check_listeners(listeners, ExporterListener, ("exported", "unexported"))
        self.address = address
        self.port = 0
        self.reuse_port = reuse_port
        self._grace = _checked(grace)
        self._filters = filters
        self._filter_settings = dict(filter_settings or {})
        self._settings = Settings(
            application=application,
            max_message_size=max_message_size,
            heartbeat=heartbeat,
            heartbeat_timeout=heartbeat_timeout,
            tls=server_tls(tls, networked=place(address) is None),
            compression=compression,
            socket_mode=socket_mode,
            limits=(bounds := limits or DEFAULT),
            max_calls=max_calls,
            max_cancels=max_cancels,
        )
        # A wrong name is an error here, not at the first export.
        check_settings(FilterSettings(filter_settings), filters, "filter_settings")
        resolve(filters, PROVIDER, FilterSettings(self._filter_settings, partial=True))
        self._exports = ExportTable()
        self._gate = Gate(authenticate, bounds)
        room = Room(bounds.max_calls_total)
        # For the methods that are not async, but for services with a pool of their own.
        self.pool = ThreadPool(threads, queue, place=self._place)
        self._unary = UnaryCalls(self._exports, max_message_size, bounds, room)
        self._streams = Streams(
            self._exports,
            self._settings,
            Handlers(on_connect, on_disconnect),
            self._place,
            room=room,
            gate=self._gate,
            limit=max_connections,
            callbacks=callbacks,
            callback_filters=resolve(("default",), CONSUMER, {}),
            max_age=max_age,
            grace=grace,
        )
        self._watchdog = Watchdog(slow_loop)
        self._local = InProcess(
            place(address) or INJVM, self._exports, max_message_size, application
        )
        self._standard = StandardServices(
            health=health, reflection=reflection, channelz=channelz, typed=native
        )
        self._native = NativeDoor(partial(self._native_calls, room, native))
        self.announcer = Announcer(registry, announce, address, application)
        told = (self.announcer, self._standard, *listeners)
        self._published = Publication(self._exports, self._local, told)
        self._listener: GrpcListener | None = None
        self._started = False
        self._stopping: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    def _native_calls(self, room: Room, typed: bool) -> "NativeCalls":
        from facade.provider.native.calls import NativeCalls
        from facade.provider.native.mounts import Mounts

        mounts = Mounts(self._filters, self._filter_settings, self.pool, told=self._standard.add)
        networked = place(self.address) is None
        return NativeCalls(self._exports, mounts, room, typed=typed, networked=networked)

    # Life

    async def start(self) -> None:
        """Listen. OSError where the address can't be had: it may be tried again. RuntimeError the
        second time. Where anything else goes wrong the server is stopped."""
        if self._stopping is not None:
            raise RuntimeError(
                f"{self} was stopped, and its threads are gone: make a new Server to serve again"
            )
        if self._started:
            raise RuntimeError(
                f"{self} is started already: `async with` and run() do it themselves; "
                "make another Server for another address"
            )
        self._started = True
        try:
            if place(self.address) is None:
                await self._listen()
            await self._tell()
        except (Exception, asyncio.CancelledError):
            if self._started:  # nobody else would stop what serves by now
                await self.stop()
            raise

    async def _tell(self) -> None:
        if self._stopping is None:  # else it was stopped while it began to listen
            self._local.start(self._exports)
            await self.announcer.start(self.address, self.port)

    async def _listen(self) -> None:
        self._listener = listener = GrpcListener(
            self.exchange,
            self._unary.invoke,
            self.describe,
            self._settings,
            # Ours of mounted and exported services comes last: it has an answer to any name.
            handlers=(self._standard.handler(), self._native),
            reuse_port=self.reuse_port,
            admit=self._gate.admit if self._gate else None,
        )
        try:
            self.port = await listener.start(self.address)
        except OSError:
            self._listener, self._started = None, False  # it may be tried again
            raise
        self._unary.local_address = listener.address
        self._native.listens(listener.address)
        self._watchdog.start()
        logger.info("listening at %s, port %d", self.address, self.port)

    async def stop(self, grace: float | None = None) -> None:
        """Take no new calls, let those under way end for ``grace`` seconds, hang up.

        A call that has not ended by then gets one error which says so.
        """
        if self._stopping is None:
            stop = self._stop(self._grace if grace is None else _checked(grace))
            self._standard.stop()
            self._streams.stop()
            self._stopping = asyncio.create_task(stop, name="facade-stop")
        await asyncio.shield(self._stopping)

    async def _stop(self, grace: float) -> None:
        await self.announcer.stop()
        # A little more for gRPC: we end the streams ourselves, each call with its error.
        listener = (
            asyncio.create_task(self._listener.stop(grace + 2))
            if self._listener is not None
            else None
        )
        await asyncio.gather(
            self._streams.drain("the provider stops", grace),
            self._unary.drain("the provider stops", grace),
            self._native.drain("the provider stops", grace),
            self._local.stop(self._exports, "the provider stops", grace),
        )
        if listener is not None:
            await listener
        self._published.clear()
        await self.announcer.close()
        self.pool.close()
        self._watchdog.stop()
        self._stopped.set()
        logger.info("stopped at %s", self.address)

    async def wait(self) -> None:
        """Wait until it is stopped."""
        await self._stopped.wait()

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM, then stop in peace. Blocks."""
        from facade.provider.signals import serve

        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(serve(self))

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
    def invoke(self) -> Callable[..., Awaitable[bytes]]:
        """Answer one unary call: serialized messages in and out."""
        return self._unary.invoke

    async def describe(self, request: bytes) -> bytes:
        """Answer one Describe call: serialized messages in and out."""
        services = [e.service for e in self._exports if e.scope != LOCAL]
        return answer_describe(services, self._settings.application, request)

    async def exchange(self, stream: FrameStream) -> None:
        """Serve one stream to its end."""
        await self._streams.serve(stream)

    def _place(self) -> str:
        host, colon, port = self.address.rpartition(":")
        return f"{host}:{self.port}" if colon and port == "0" and self.port else self.address

    def __repr__(self) -> str:
        keys = ", ".join(exporter.service.key for exporter in self._exports)
        return f"<Server at {self.address}: {keys or 'nothing exported'}>"


def _checked(grace: float) -> float:
    if isinstance(grace, bool) or not isinstance(grace, (int, float)) or not grace >= 0:
        raise ValueError(f"grace={grace!r}: seconds, 0 or more")
    return grace
