"""Keeps a connection to one provider: made when it is needed, and again when it is gone."""

import asyncio
from contextvars import Context
from functools import partial
from time import monotonic
from typing import Any

from facade.core.errors import RpcError, Sent, Status, Unavailable
from facade.core.log import get_logger
from facade.exchange.answering import Exports
from facade.exchange.connection import Connection
from facade.exchange.settings import Settings
from facade.exchange.stream import ConsumerStream
from facade.exchange.transport import Transport

logger = get_logger(__name__)

# Seconds between attempts: the first pause, how it grows, the longest.
FIRST_PAUSE = 0.05
GROWTH = 1.6
LONGEST_PAUSE = 1.0

# Seconds for what else gRPC has to say where the loop ends, and nobody has closed the client: what
# comes after that is for a loop that is closed, and is complained of on standard error.
LINGER = 0.02

# Seconds that a connection whose provider drains it may go on until there is another.
RELIEF = 1.0


class Connector:
    """Made and used within one event loop. Who holds it is counted in ``holders``."""

    def __init__(self, transport: Transport, settings: Settings, exports: Exports) -> None:
        self.loop = asyncio.get_running_loop()
        self.holders = 0
        # The connection at hand; whether a call may go there, it says itself.
        self.current: Connection | None = None
        # Why the last attempt failed.
        self.failure: RpcError | None = None
        self._transport = transport
        self._settings = settings
        self._exports = exports
        self.stream: ConsumerStream | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._attempt: asyncio.Future[RpcError | None] = self.loop.create_future()
        self._wanted = False
        self._pause = FIRST_PAUSE
        self._running: dict[asyncio.Task[None], Connection] = {}
        self._reliefs: set[asyncio.Task[Any]] = set()
        self._late = 0
        self._closed = False

    @property
    def connections(self) -> list[Connection]:
        """That at hand, and older ones whose calls have not ended."""
        return list(self._running.values())

    @property
    def late(self) -> int:
        """How many answers came when nobody waited any more."""
        return self._late + sum(c.calls.late for c in self.connections)

    def attempt(self) -> asyncio.Future[RpcError | None]:
        """The attempt to connect that is under way, or that comes next: gives why it failed.

        Who still waits after a failure asks again, or none is made.
        """
        self._wanted = True
        if self._connecting is None and not self._closed:
            # Nothing of who needed it first is to live on in its tasks.
            self._connecting = asyncio.create_task(
                self._connect(), name="facade-connect", context=Context()
            )
        return self._attempt

    async def _connect(self) -> None:
        """Try until it works, or nobody asks for it any more."""
        unexplained = 0
        try:
            while self._wanted and not self._closed:
                self._wanted = False
                try:
                    await self._open()
                    return
                except RpcError as failure:
                    self.failure = failure
                    logger.debug("cannot connect to %s: %s", self._transport.target, failure)
                    # gRPC loses the reason where it comes while we write. The next attempt may
                    # tell it.
                    unexplained += failure.status is Status.INTERNAL
                    if unexplained == 1 and failure.status is Status.INTERNAL:
                        self._wanted = True
                        continue
                except Exception as error:
                    logger.exception("cannot connect to %s", self._transport.target)
                    self.failure = Unavailable(
                        f"cannot connect to {self._transport.target}: "
                        f"{type(error).__name__}: {error}",
                        sent=Sent.NOT_SENT,
                    )
                self._end_attempt(self.failure)
                # Not all consumers at once, when a provider comes back.
                from random import uniform  # is seldom needed

                await asyncio.sleep(self._pause * uniform(0.8, 1.2))
                self._pause = min(self._pause * GROWTH, LONGEST_PAUSE)
        finally:
            self._connecting = None
            self._end_attempt(None)

    def _end_attempt(self, failure: RpcError | None) -> None:
        """Wake who waits for this attempt, and let them wait for the next one."""
        done, self._attempt = self._attempt, self.loop.create_future()
        if not done.done():
            done.set_result(failure)

    async def _open(self) -> None:
        credentials, patience = self._settings.credentials, self._settings.limits.handshake_timeout
        shown = None if credentials is None else await credentials.get(patience)
        stream = await self._transport.open()
        connection = Connection(stream, self._settings, self._exports, opened=True)
        connection.credentials = shown
        task = asyncio.create_task(self._keep(connection, stream), name="facade-connection")
        self._running[task] = connection
        task.add_done_callback(self._over)
        try:
            await asyncio.shield(connection.ready)
        except asyncio.CancelledError:
            connection.abort(Unavailable("the client closes", sent=Sent.NOT_SENT))
            raise
        self.current = connection
        self.stream = stream
        self.failure = None
        connection.on_drain = partial(self._relieve, connection)

    def _relieve(self, connection: Connection) -> None:
        """The provider wants it to end: have another before, so that no call waits for one.
        Where there is none under way, the next is soon enough."""
        if self._closed or connection is not self.current or not connection.calls:
            connection.follow()
            return
        relief = asyncio.create_task(
            asyncio.wait((self.attempt(),), timeout=RELIEF), context=Context()
        )
        self._reliefs.add(relief)
        relief.add_done_callback(self._reliefs.discard)
        relief.add_done_callback(lambda _: connection.follow())

    def _over(self, task: asyncio.Task[None]) -> None:
        self._late += self._running.pop(task).calls.late

    async def _keep(self, connection: Connection, stream: ConsumerStream) -> None:
        started = monotonic()
        try:
            await connection.run()
        except asyncio.CancelledError:
            await stream.gone()
            await asyncio.sleep(LINGER)
            raise
        if monotonic() - started > LONGEST_PAUSE:
            self._pause = FIRST_PAUSE
        if connection.error is not None and connection.ready.exception() is None:
            logger.info("the connection to %s ended: %s", self._transport.target, connection.error)

    async def close(self, grace: float) -> None:
        """Let the calls under way end, for at most ``grace`` seconds."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            # Who waits must not rely on a task that may never have begun.
            self._end_attempt(None)
        try:
            if self.current is not None and not self.current.closed.is_set():
                await self.current.drain("the consumer closes", grace)
            if self._running:
                # An older connection may still end its calls; one being set up never will.
                await asyncio.wait(self._running, timeout=grace)
        finally:  # who closes may not wait so long, and nobody else would hang up
            for task in self._running:
                task.cancel()
