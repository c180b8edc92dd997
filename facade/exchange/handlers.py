"""What is called when a connection is made, and when it has ended. (Dubbo: stub events)"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any

from facade.core.errors import RpcError
from facade.core.hook import call
from facade.core.log import get_logger
from facade.exchange.answering import Peer
from facade.exchange.connection import Connection

logger = get_logger(__name__)

OnConnect = Callable[[Peer], Awaitable[object] | object]
OnDisconnect = Callable[[Peer, RpcError | None], Awaitable[object] | object]


class Handlers:
    """Those of one end. Each connection has a task for them, so that no call waits for one.

    For a connection they run in turn; a plain function runs in a thread. One that fails
    only warns.
    """

    def __init__(self, on_connect: OnConnect | None, on_disconnect: OnDisconnect | None) -> None:
        for name, handler in (("on_connect", on_connect), ("on_disconnect", on_disconnect)):
            if handler is not None and not callable(handler):
                raise TypeError(f"{name} is a function, called with the peer; not {handler!r}")
        self._on_connect = on_connect
        self._on_disconnect = on_disconnect
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.Task[Any]] = set()

    def __bool__(self) -> bool:
        return self._on_connect is not None or self._on_disconnect is not None

    def apart(self) -> "Handlers":
        """The same functions, for connections that end apart from these."""
        return Handlers(self._on_connect, self._on_disconnect)

    def watch(self, connection: Connection) -> None:
        """Call them when this connection is made (or now), and when it ends."""
        if self:
            task = asyncio.create_task(
                self._watch(connection), name="facade-handlers", context=Context()
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def leave(self) -> None:
        """This end is done with its connections, which go on for others."""
        for end in self._ends:
            end.cancel()

    async def settle(self, grace: float) -> None:
        """Let those end that run, for ``grace`` seconds, but one at least."""
        if self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=max(grace, 1.0))
            for task in left:
                logger.warning("on_connect or on_disconnect had not ended, and is given up")
                task.cancel()

    async def _watch(self, connection: Connection) -> None:
        end = asyncio.create_task(connection.closed.wait())
        self._ends.add(end)
        try:
            try:
                await asyncio.shield(connection.ready)
            except RpcError:
                return  # it never was one
            await _tell(self._on_connect, connection.peer)
            await asyncio.wait((end,))
        finally:
            self._ends.discard(end)
            end.cancel()
        await _tell(self._on_disconnect, connection.peer, connection.error)


async def _tell(handler: Callable[..., Any] | None, *facts: object) -> None:
    if handler is None:
        return
    try:
        await call(handler, *facts)
    except Exception as error:
        name = getattr(handler, "__qualname__", repr(handler))
        logger.warning("Failed to invoke event method %s(), cause: %r", name, error, exc_info=error)
