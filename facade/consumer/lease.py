"""One client's hold on a connection, which others may hold too."""

import asyncio
from collections.abc import Callable, Collection, Hashable
from time import monotonic
from typing import Any

from facade.consumer.connector import Connector
from facade.consumer.shared import Shared
from facade.core.errors import Sent, Unavailable
from facade.core.invocation import Invocation
from facade.exchange.connection import Connection
from facade.exchange.credentials import Refused
from facade.exchange.handlers import Handlers
from facade.exchange.handshake import HandshakeFailed
from facade.exchange.multiplexer import Multiplexer
from facade.exchange.pending import PendingCall
from facade.exchange.stream import ConsumerStream
from facade.loops import check_alone

# Seconds between looks at whether the last calls have ended. (Dubbo's are 10 ms too.)
LOOK = 0.01


class Lease:
    """Made anywhere; takes its connector in the event loop where it is first needed, and in
    another one once that does not run any more. RuntimeError where both run.

    ``current`` is what a call tries first: the connection that was used last, or None. Who is
    in another loop than it asks ``connect``.

    ``codecs``: those of the client's methods. A call that is under way is the client's if
    its codec is: so a close finds its calls, and no call has to leave a note.
    """

    def __init__(
        self,
        target: str,
        shared: Shared,
        key: Hashable,
        make: Callable[[], Connector],
        *,
        codecs: Collection[Any],
        handlers: Handlers,
        used: Callable[[ConsumerStream], None],
        wait_for_ready: bool,
    ) -> None:
        self.target = target
        self.current: Connection | None = None
        self._shared = shared
        self._key = key
        self._make = make
        self._codecs = codecs
        self._handlers = handlers
        self._used = used
        self._wait_for_ready = wait_for_ready
        self._connector: Connector | None = None
        # Those of loops that do not run now, and may again.
        self._resting: dict[asyncio.AbstractEventLoop, Connector] = {}
        self._closing: asyncio.Future[None] | None = None
        self._late = 0
        self._closed = False

    @property
    def steady(self) -> Connection | None:
        return self.current

    @property
    def available(self) -> bool:
        """Whether a call would find a connection at once."""
        current = self.current if self._connector is None else self._connector.current
        return current is not None and current.usable and not self._closed

    @property
    def busy(self) -> bool:
        """Whether calls of this client are under way."""
        return self._connector is not None and bool(self._ours(self._connector))

    @property
    def stream(self) -> ConsumerStream | None:
        """That of the connection at hand: for what is asked beside the calls."""
        return self._connector.stream if self._connector is not None else None

    @property
    def late(self) -> int:
        """How many answers came when nobody waited any more, for others that share it too."""
        return self._connector.late if self._connector is not None else self._late

    async def connect(self, invocation: Invocation) -> Connection:
        """Wait for a usable connection, as long as the call may take: see ``ready``."""
        countdown = invocation.countdown
        if countdown is None:
            return await self.ready(None, invocation)
        return await self.ready(countdown.timeout, invocation, countdown.elapsed)

    async def ready(
        self, timeout: float | None, what: Invocation | str, elapsed: float = 0.0
    ) -> Connection:
        """Wait for a usable connection, at most ``timeout`` seconds.

        Raises Unavailable, with the reason of the last attempt; at the first one that
        fails, unless this client waits for its provider, or where TLS is refused. Refused
        where the provider does not accept our credentials.
        """
        until = None if timeout is None else monotonic() + timeout - elapsed
        while not self._closed:
            connector = self._take()
            connection = connector.current
            if connection is not None and connection.usable:
                return self._use(connector, connection)
            left = None if until is None else until - monotonic()
            if left is not None and left <= 0:
                raise self._unreachable(connector, what, timeout)
            assert self._closing is not None
            attempt = connector.attempt()
            await asyncio.wait(
                (attempt, self._closing), timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            failure = attempt.result() if attempt.done() else None
            if isinstance(failure, Refused):
                text = f"{what}: {failure.message}"
                raise Refused(text, sent=Sent.NOT_SENT, remote=True)
            hopeless = isinstance(failure, HandshakeFailed)
            if failure is not None and (hopeless or not self._wait_for_ready):
                raise self._unreachable(connector, what, None)
        raise Unavailable(f"{what}: the client is closed", sent=Sent.NOT_SENT)

    def begin(self) -> None:
        """Connect if we are not, without waiting for it."""
        if not self._closed:
            connector = self._take()
            if connector.current is not None and connector.current.usable:
                self._use(connector, connector.current)
            else:
                connector.attempt()

    def _take(self) -> Connector:
        loop = asyncio.get_running_loop()
        if self._connector is None or self._connector.loop is not loop:
            if self._connector is not None:
                check_alone(self._connector.loop, self.target)
                self._resting[self._connector.loop] = self._connector
            self.current = None
            self._closing = loop.create_future()
            held = self._resting.pop(loop, None)
            self._connector = held or self._shared.take(self._key, self._make)
            self._let_go(lambda resting: resting.loop.is_closed())
        return self._connector

    def _let_go(self, chosen: Callable[[Connector], bool]) -> None:
        """What a loop that does not run has is not to be touched: it ends with that."""
        for connector in [c for c in self._resting.values() if chosen(c)]:
            del self._resting[connector.loop]
            self._shared.give_back(self._key, connector)

    def _use(self, connector: Connector, connection: Connection) -> Connection:
        if connection is not self.current:
            self.current = connection
            if connector.stream is not None:
                self._used(connector.stream)
            self._handlers.watch(connection)
        return connection

    def _unreachable(
        self, connector: Connector, what: Invocation | str, timeout: float | None
    ) -> Unavailable:
        waited = f" within {timeout:g} s" if timeout is not None else ""
        reason = connector.failure or "the provider has not answered yet"
        return Unavailable(
            f"{what}: no connection to {self.target}{waited}: {reason}", sent=Sent.NOT_SENT
        )

    # The end

    async def close(self, grace: float) -> None:
        """Let this client's calls end for at most ``grace`` seconds; then hang up, unless
        others hold the connection too. RuntimeError in another loop than it is used in."""
        if self._connector is not None:
            check_alone(self._connector.loop, self.target)
        self._closed = True
        self.current = None  # the next call is to find out
        connector, self._connector = self._connector, None
        if connector is None:
            return
        self._late = connector.late
        self._let_go(lambda resting: True)
        last = self._shared.give_back(self._key, connector)
        if connector.loop.is_closed():
            return  # and its connections with it
        assert self._closing is not None
        self._closing.set_result(None)
        if last:
            await connector.close(grace)
        else:
            try:
                await self._end_calls(connector, grace)
            finally:
                self._handlers.leave()
        await self._handlers.settle(grace)

    async def _end_calls(self, connector: Connector, grace: float) -> None:
        started = monotonic()
        try:
            while self._ours(connector) and monotonic() < started + grace:  # noqa: ASYNC110 - as Dubbo
                await asyncio.sleep(LOOK)
        finally:
            waited = min(monotonic() - started, grace)
            for calls, call in self._ours(connector):
                calls.drop(
                    call, f"the client closed, and the call had not ended after {waited:g} s"
                )

    def _ours(self, connector: Connector) -> list[tuple[Multiplexer, PendingCall]]:
        return [
            (connection.calls, call)
            for connection in connector.connections
            for call in connection.calls.pending()
            if call.invocation.codec in self._codecs
        ]
