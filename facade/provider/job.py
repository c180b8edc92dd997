"""A function that is called in a thread of a pool."""

import asyncio
import contextvars
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from facade.core.inbox import Inbox

Outcome = tuple[Any, BaseException | None]


class Job:
    """Made in the event loop that waits for it. It sees a copy of the context there.

    ``begun`` and ``dropped`` belong to the pool: who sets them holds its lock.
    """

    __slots__ = (
        "_arguments",
        "_context",
        "_drop",
        "_function",
        "_inbox",
        "_keywords",
        "_outcome",
        "_over",
        "_waiter",
        "begun",
        "dropped",
    )

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any] | None,
        inbox: "Inbox[Job]",
        drop: "Callable[[Job], object]",
    ) -> None:
        self._function = function
        self._arguments = arguments
        self._keywords = keywords
        self._inbox = inbox
        self._drop = drop
        self._context = contextvars.copy_context()
        self._waiter: asyncio.Future[None] = inbox.loop.create_future()
        self._outcome: Outcome = (None, None)
        self._over = False
        self.begun = self.dropped = False

    # In the event loop

    async def result(self) -> Any:
        """What the function gives or raises. Who is cancelled does not wait for the thread; what
        has not begun by then never does."""
        try:
            await self._waiter
        except asyncio.CancelledError:
            self._drop(self)
            raise
        value, error = self._outcome
        if error is not None:
            raise error
        return value

    async def ended(self) -> None:
        """For who was cancelled: wait until nothing runs any more."""
        if not (self._over or self.dropped):
            self._waiter = self._inbox.loop.create_future()
            await self._waiter

    def deliver(self) -> None:
        """Its thread has told that it is over."""
        self._over = True
        if self._waiter.done():
            return  # nobody waits any more
        if self.dropped:
            self._waiter.cancel()
        else:
            self._waiter.set_result(None)

    # In a thread

    def run(self) -> None:
        self._outcome = self._context.run(
            _outcome, self._function, self._arguments, self._keywords or {}
        )

    def tell(self) -> None:
        """That it has run, or was dropped."""
        with suppress(RuntimeError):  # that loop is closed: nobody waits
            self._inbox.put(self)


def _outcome(
    function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Outcome:
    """Value and error, as a future can't carry StopIteration."""
    try:
        return function(*arguments, **keywords), None
    except BaseException as error:
        return None, error
