"""Keeps a connection to one provider: made when first needed, and again when it is gone."""

import asyncio
import logging
import random
from collections.abc import Callable
from time import monotonic

from facade.core.errors import RpcError, Sent, Unavailable
from facade.core.invocation import Invocation
from facade.exchange.answering import Exports
from facade.exchange.connection import Connection
from facade.exchange.settings import Settings
from facade.exchange.stream import ConsumerStream
from facade.exchange.transport import Transport

logger = logging.getLogger(__name__)

# Seconds between attempts: the first pause, how it grows, the longest.
FIRST_PAUSE = 0.05
GROWTH = 1.6
LONGEST_PAUSE = 1.0


class Connector:
    """Made anywhere; bound to the event loop that first uses it."""

    def __init__(
        self,
        transport: Transport,
        settings: Settings,
        exports: Exports,
        *,
        wait_for_ready: bool,
    ) -> None:
        self._transport = transport
        self._settings = settings
        self._exports = exports
        self._wait_for_ready = wait_for_ready
        # The connection at hand; whether a call may go there, it says itself.
        self.current: Connection | None = None
        self.stream: ConsumerStream | None = None
        # Told of each stream that is ready.
        self.opened: Callable[[ConsumerStream], None] = lambda stream: None
        self._connecting: asyncio.Task[None] | None = None
        self._attempt: asyncio.Future[None] | None = None
        self._failure: RpcError | None = None
        self._waiting = 0
        self._pause = FIRST_PAUSE
        self._running: set[asyncio.Task[None]] = set()
        self._open_connections: set[Connection] = set()
        self._late = 0
        self._closed = False

    @property
    def target(self) -> str:
        return self._transport.target

    @property
    def transport(self) -> Transport:
        return self._transport

    @property
    def late(self) -> int:
        """How many answers came when nobody waited any more."""
        return self._late + sum(c.calls.late for c in list(self._open_connections))

    async def connect(self, invocation: Invocation) -> Connection:
        """Wait for a usable connection, as long as the call may take: see ``ready``."""
        countdown = invocation.countdown
        timeout = None if countdown is None else countdown.timeout
        return await self.ready(
            timeout, invocation, 0.0 if countdown is None else countdown.elapsed
        )

    async def ready(
        self, timeout: float | None, what: Invocation | str, elapsed: float = 0.0
    ) -> Connection:
        """Wait for a usable connection, at most ``timeout`` seconds.

        Raises Unavailable, with the reason of the last attempt; at the first one that
        fails, unless this client waits for its provider.
        """
        until = None if timeout is None else monotonic() + timeout - elapsed
        if self.current is not None and self.current.usable:
            return self.current
        self._waiting += 1
        try:
            while True:
                if self._closed:
                    raise Unavailable(f"{what}: the client is closed", sent=Sent.NOT_SENT)
                if self._connecting is None:
                    self._attempt = asyncio.get_running_loop().create_future()
                    self._connecting = asyncio.create_task(self._connect(), name="facade-connect")
                left = None if until is None else until - monotonic()
                if left is not None and left <= 0:
                    raise self._unreachable(what, timeout)
                assert self._attempt is not None
                await asyncio.wait((self._attempt,), timeout=left)
                if self.current is not None and self.current.usable:
                    return self.current
                if self._failure is not None and not self._wait_for_ready:
                    raise self._unreachable(what, None)
        finally:
            self._waiting -= 1

    def _unreachable(self, what: Invocation | str, timeout: float | None) -> Unavailable:
        waited = f" within {timeout:g} s" if timeout is not None else ""
        reason = self._failure or "the provider has not answered yet"
        return Unavailable(
            f"{what}: no connection to {self.target}{waited}: {reason}", sent=Sent.NOT_SENT
        )

    async def _connect(self) -> None:
        """Try until it works, or nobody waits any more."""
        try:
            while self._waiting and not self._closed:
                try:
                    await self._open()
                    return
                except RpcError as failure:
                    self._failure = failure
                    logger.debug("cannot connect to %s: %s", self.target, failure)
                self._next_attempt()
                await asyncio.sleep(self._pause * random.uniform(0.8, 1.2))
                self._pause = min(self._pause * GROWTH, LONGEST_PAUSE)
        finally:
            self._connecting = None
            self._next_attempt()

    def _next_attempt(self) -> None:
        """Wake who waits for this attempt, and let them wait for the next one."""
        done, self._attempt = self._attempt, asyncio.get_running_loop().create_future()
        if done is not None and not done.done():
            done.set_result(None)

    async def _open(self) -> None:
        stream = await self._transport.open()
        connection = Connection(stream, self._settings, self._exports, opened=True)
        task = asyncio.create_task(self._keep(connection), name="facade-connection")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            await asyncio.shield(connection.ready)
        except asyncio.CancelledError:
            connection.abort(Unavailable("the client closes", sent=Sent.NOT_SENT))
            raise
        self.current = connection
        self.stream = stream
        self._failure = None
        self.opened(stream)

    async def _keep(self, connection: Connection) -> None:
        started = monotonic()
        self._open_connections.add(connection)
        try:
            await connection.run()
        finally:
            self._open_connections.discard(connection)
            self._late += connection.calls.late
        if monotonic() - started > LONGEST_PAUSE:
            self._pause = FIRST_PAUSE
        if connection.error is not None and connection.ready.exception() is None:
            logger.info("the connection to %s ended: %s", self.target, connection.error)

    async def close(self, grace: float) -> None:
        """Let the calls under way end, for at most ``grace`` seconds."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            self._next_attempt()  # who waits must not rely on a task that may never have begun
        if self.current is not None and not self.current.closed.is_set():
            await self.current.drain("the consumer closes", grace)
        if self._running:
            # An older connection may still end its calls; one being set up never will.
            _, left = await asyncio.wait(self._running, timeout=grace)
            for task in left:
                task.cancel()
        await self._transport.close(grace)
