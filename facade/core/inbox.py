"""What threads hand over to an event loop."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """Threads put things in, and ``take`` is called with each, in this order, in the loop.

    The loop is woken once for all that gathered: a wake-up writes to a socket, and lets go of
    the interpreter for that, so that one for each costs more than most of what is handed over.
    """

    __slots__ = ("_items", "_take", "_woken", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[T], object]) -> None:
        self.loop = loop
        self._take = take
        self._items: deque[T] = deque()
        self._woken = False

    def put(self, item: T) -> None:
        """RuntimeError where the loop is closed."""
        self._items.append(item)
        # Set before the loop empties it, so that what is appended meanwhile is not missed.
        if not self._woken:
            self._woken = True
            try:
                # Its own context: what it takes must not find that of whoever came first.
                self.loop.call_soon_threadsafe(self._empty, context=contextvars.Context())
            except RuntimeError:
                self._woken = False
                self._items.clear()
                raise

    def _empty(self) -> None:
        self._woken = False
        items, take = self._items, self._take
        try:
            while items:
                take(items.popleft())
        finally:
            if items and not self._woken:  # one could not be taken: the others can
                self._woken = True
                self.loop.call_soon(self._empty, context=contextvars.Context())
