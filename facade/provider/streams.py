"""The streams of a server's consumers."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from facade.core.errors import LimitExceeded, RpcError, Sent, Unavailable
from facade.core.filter import Filter
from facade.core.log import get_logger
from facade.exchange.answering import Exports
from facade.exchange.connection import Connection
from facade.exchange.handlers import Handlers
from facade.exchange.room import Room
from facade.exchange.settings import Settings
from facade.exchange.stream import FrameStream
from facade.provider.gate import Gate
from facade.provider.listeners import Listeners
from facade.service import check_seconds, is_count

logger = get_logger(__name__)


class Streams:
    """Serves each to its end, and no more than ``limit`` at once (0: any number).

    ``max_age``: seconds after which one is drained, give or take a tenth so that not all are at
    once, and its calls get ``grace`` seconds (0: it may grow old).
    ``callbacks``: how many callables of one consumer may be held on one stream; calls of
    them run through ``callback_filters``.
    """

    def __init__(
        self,
        exports: Exports,
        settings: Settings,
        handlers: Handlers,
        place: Callable[[], str],
        *,
        room: Room,
        gate: Gate,
        limit: int,
        callbacks: int,
        callback_filters: Sequence[Filter],
        max_age: float = 0.0,
        grace: float = 0.0,
    ) -> None:
        if not is_count(limit):
            raise ValueError(f"max_connections={limit!r}: 0 for any number, or how many")
        if not is_count(callbacks):
            raise ValueError(f"callbacks={callbacks!r}: how many, or 0 for none")
        if max_age != 0:
            check_seconds(max_age, "max_age", "give more than 0, or 0 for any age")
        self._max_age = max_age
        self._grace = grace
        self._exports = exports
        self._settings = settings
        self._handlers = handlers
        self._place = place
        self._room = room
        self._gate = gate
        self._limit = limit
        self._callbacks = callbacks
        self._callback_filters = callback_filters
        self.connections: set[Connection] = set()
        self._stopping = False

    async def serve(self, stream: FrameStream) -> None:
        """Serve one stream to its end, if it is let in."""
        begun = await self._gate.open(stream)
        if begun is not None:
            await self._serve(begun)

    async def _serve(self, stream: FrameStream) -> None:
        error = self._refusal(stream)
        if error is not None:
            # Hear its setup first: gRPC would tell who still writes of an internal error.
            with contextlib.suppress(Exception):
                await asyncio.wait_for(stream.read(), 1.0)
            stream.close(error)
            return
        connection = Connection(stream, self._settings, self._exports, opened=False)
        self.connections.add(connection)
        connection.answers.take_places(self._room)
        self._handlers.watch(connection)
        listeners = Listeners(connection, self._callback_filters, self._callbacks)
        connection.peer.listeners = listeners
        age = asyncio.create_task(self._age(connection)) if self._max_age else None
        try:
            await connection.run()
        finally:
            if age is not None:
                age.cancel()
            listeners.close()
            connection.answers.share.close()
            self.connections.discard(connection)

    async def _age(self, connection: Connection) -> None:
        from random import uniform  # for those who limit it

        await asyncio.sleep(self._max_age * uniform(0.9, 1.1))
        reason = f"the connection has reached its age (Server: max_age={self._max_age:g} s)"
        await connection.drain(reason, self._grace)

    def _refusal(self, stream: FrameStream) -> RpcError | None:
        if self._stopping:
            return Unavailable("the provider stops", sent=Sent.NOT_SENT)
        if not self._limit or len(self.connections) < self._limit:
            return None
        what = f"the provider at {self._place()} takes no more than {self._limit} connections"
        logger.warning("refused %s: %s (max_connections)", stream.remote_address, what)
        return LimitExceeded(f"{what} (Server: max_connections)", sent=Sent.NOT_SENT)

    def stop(self) -> None:
        """Take no new ones."""
        self._stopping = True

    async def drain(self, reason: str, grace: float) -> None:
        """Let the calls under way end for ``grace`` seconds, then end them."""
        await asyncio.gather(*(c.drain(reason, grace) for c in self.connections))
        await self._handlers.settle(grace)
