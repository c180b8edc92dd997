"""Requests that are written one by one, as an iterator of them."""

import asyncio
from collections import deque
from typing import Any


class Writing:
    """``write`` waits until its request was sent on: whoever writes is held up by a provider
    that does not read. All of it is for the thread of the event loop."""

    def __init__(self) -> None:
        self._items: deque[tuple[Any, asyncio.Future[None]]] = deque()
        self._current: asyncio.Future[None] | None = None
        self._wake: asyncio.Future[None] | None = None
        self._finished = False
        # Whether the call takes no more, whatever there is.
        self.ended = False

    async def write(self, item: Any) -> None:
        """InvalidStateError after the end."""
        if self._finished:
            raise asyncio.InvalidStateError("the requests of this call have ended")
        sent = asyncio.get_running_loop().create_future()
        self._items.append((item, sent))
        self._stir()
        await sent

    def finish(self) -> None:
        """There are no more."""
        self._finished = True
        self._stir()

    def end(self) -> None:
        """The call has ended: nobody takes what is not taken."""
        self._finished = self.ended = True
        for waiting in (self._current, *(sent for _, sent in self._items)):
            if waiting is not None and not waiting.done():
                waiting.set_exception(asyncio.InvalidStateError("the call has ended"))
                waiting.exception()  # whoever wrote may have been cancelled
        self._items.clear()
        self._stir()

    def _stir(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def __aiter__(self) -> "Writing":
        return self

    async def __anext__(self) -> Any:
        if self._current is not None and not self._current.done():
            self._current.set_result(None)  # or it would not be asked for the next
        self._current = None
        while not self._items:
            if self._finished:
                raise StopAsyncIteration
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        item, self._current = self._items.popleft()
        return item
