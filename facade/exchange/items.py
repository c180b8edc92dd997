"""The flow of one stream of values: how much may be on its way, and what waits to be read.

How it works. Who reads grants credit, in values and in bytes, and grants again when half of
it has been used up; who sends stops where it ends. So a slow reader holds up nobody but his
own sender, and what is kept for him is bounded.

There is no I/O here: an Inbox is told what came, a Credit what was granted.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from facade.codec import Payload
from facade.core.log import get_logger
from facade.core.stream import NOT_OF_THE_STREAM, close

logger = get_logger(__name__)

# What a reader lets the other end send ahead. One value more than the bytes allow may come,
# as a value may be longer than all of them.
WINDOW_ITEMS = 1024
WINDOW_BYTES = 1024 * 1024

# How many values are sent before the event loop may turn.
TURN = 64

Decode = Callable[[Payload], Any]


class Credit:
    """How much this end may still send."""

    __slots__ = ("_bytes", "_items", "_waiter")

    def __init__(self) -> None:
        self._items = 0
        self._bytes: float = 0
        self._waiter: asyncio.Future[None] | None = None

    def grant(self, items: int, bytes: int) -> None:
        """``bytes`` 0: as many as the items take."""
        self._items += items
        self._bytes += bytes or float("inf")
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def spend(self, size: int) -> None:
        self._items -= 1
        self._bytes -= size

    @property
    def left(self) -> bool:
        return self._items > 0 and self._bytes > 0

    async def wait(self) -> None:
        while not self.left:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter


async def pour(stream: Any, credit: Credit, send: Callable[[Any], int]) -> BaseException | None:
    """Send all values of a stream, and close it. What the stream raised, if it did.

    ``send`` gives the size of what it sent; what it raises goes on from here.
    """
    turn = TURN
    started = False
    try:
        while True:
            if not credit.left:
                await credit.wait()
            started = True
            try:
                value = await anext(stream)
            except StopAsyncIteration:
                return None
            except NOT_OF_THE_STREAM:
                raise
            except BaseException as error:
                return error  # SystemExit, say, must not end the process
            credit.spend(send(value))
            turn -= 1
            if not turn:
                turn = TURN
                await asyncio.sleep(0)
    finally:
        if started:  # else nobody has touched it, and it may be sent another time
            await leave(stream)


async def leave(stream: Any) -> None:
    """Close it. What it raises then is for the log, as its call comes to its end all the same."""
    try:
        await close(stream)
    except NOT_OF_THE_STREAM:
        raise
    except BaseException as error:
        logger.warning("%r failed as it was closed: %r", stream, error, exc_info=error)


class Inbox:
    """What came and was not read yet.

    ``grant`` tells the other end how much more it may send; ``leave`` that nobody reads on.
    """

    __slots__ = (
        "_bytes",
        "_grant",
        "_items",
        "_leave",
        "_over",
        "_taken_bytes",
        "_taken_items",
        "_waiter",
        "_waiting",
        "decode",
        "error",
        "loop",
    )

    def __init__(
        self, decode: Decode, grant: Callable[[int, int], None], leave: Callable[[], None]
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.decode = decode
        self.error: BaseException | None = None
        self._grant = grant
        self._leave = leave
        self._waiting: deque[tuple[Payload, int]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._items = self._bytes = 0
        self._taken_items = self._taken_bytes = 0
        self._over = False

    def __len__(self) -> int:
        return len(self._waiting)

    def open(self) -> None:
        """Let the other end begin."""
        self._items, self._bytes = WINDOW_ITEMS, WINDOW_BYTES
        self._grant(WINDOW_ITEMS, WINDOW_BYTES)

    def put(self, payload: Payload, size: int) -> None:
        """A value came. ValueError where it was not granted."""
        if self._items <= 0 or self._bytes <= 0:
            raise ValueError("more values of a stream than there was credit for")
        self._items -= 1
        self._bytes -= size
        if not self._over:
            self._waiting.append((payload, size))
            self._wake()

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes. What lies here can still be read, and then the error is raised."""
        if not self._over:
            self._over = True
            self.error = error
            self._wake()

    def abandon(self) -> None:
        """Nobody reads on."""
        self._waiting.clear()
        if not self._over:
            self._over = True
            self._wake()
            self._leave()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def take(self) -> Payload:
        """The next value. StopAsyncIteration, or the error, at the end."""
        while not self._waiting:
            if self._over:
                error, self.error = self.error, None
                raise StopAsyncIteration if error is None else error
            if self._waiter is not None:
                raise RuntimeError("two readers of one stream: its values would go to either")
            self._waiter = self.loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        payload, size = self._waiting.popleft()
        self._taken_items += 1
        self._taken_bytes += size
        if (
            self._taken_items >= WINDOW_ITEMS // 2 or self._taken_bytes >= WINDOW_BYTES // 2
        ) and not self._over:
            self._items += self._taken_items
            self._bytes += self._taken_bytes
            self._grant(self._taken_items, self._taken_bytes)
            self._taken_items = self._taken_bytes = 0
        return payload


class ItemStream(AsyncIterator[Any]):
    """The reader's hold on an inbox. Who lets go of it reads no more, and its sender is told."""

    __slots__ = ("_inbox",)

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    @property
    def at_hand(self) -> int:
        return len(self._inbox)

    async def __anext__(self) -> Any:
        payload = await self._inbox.take()
        try:
            return self._inbox.decode(payload)
        except Exception:
            self._inbox.abandon()
            raise

    async def aclose(self) -> None:
        self._inbox.abandon()

    def __del__(self) -> None:
        inbox = self._inbox
        if not inbox._over and not inbox.loop.is_closed():
            # It may be any thread that collects it.
            inbox.loop.call_soon_threadsafe(inbox.abandon)

    def __repr__(self) -> str:
        return f"<stream with {len(self._inbox)} values at hand>"
