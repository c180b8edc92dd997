"""Streams of values, as filters see them.

The value of a method that yields is an asynchronous iterator, and so is an argument that is
a stream. A filter may put another in its place, or have one watched.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from facade.core.result import Result

# Told once how a stream ended: with a Result, which has the exception if it raised one, or
# with CancelledError where its reader left before the end. It must not wait for anything.
End = Callable[[Result | BaseException], None]

# What passes through a stream, and is none of its own: that its reader is cancelled, the
# operator's wish, the end of the loop.
NOT_OF_THE_STREAM = (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit)


def is_stream(value: object) -> bool:
    return hasattr(type(value), "__anext__")


async def close(stream: object) -> None:
    """Tell a stream that nobody reads on."""
    aclose = getattr(stream, "aclose", None)
    if aclose is not None:
        await aclose()


def at_end(result: Result, end: End) -> None:
    """Have ``end`` called when the call is really over: at once where it gave a plain value,
    with the stream's end where it gave one."""
    stream = result.value
    if not is_stream(stream):
        end(result)
    elif not (isinstance(stream, Watched) and stream.also(end)):
        result.value = Watched(stream, end=end)


class Watched(AsyncIterator[Any]):
    """A stream whose values pass by ``item``, which gives what is handed on, and whose end is
    told to ``end``. Made in the event loop in which it is read."""

    __slots__ = ("_end", "_item", "_loop", "_stream")

    def __init__(
        self,
        stream: Any,
        *,
        item: Callable[[Any], Any] | None = None,
        end: End | None = None,
    ) -> None:
        self._end: End | None = None
        self._loop = asyncio.get_running_loop()
        self._stream = stream
        self._item = item
        self._end = end

    @property
    def at_hand(self) -> int:
        """How many values can be had without waiting, as far as is known."""
        return getattr(self._stream, "at_hand", 0)

    async def __anext__(self) -> Any:
        try:
            value = await anext(self._stream)
            return value if self._item is None else self._item(value)
        except StopAsyncIteration:
            self._ended(Result())
            raise
        except NOT_OF_THE_STREAM:
            raise  # a reader that is cancelled may come back, and closes it if he does not
        except BaseException as error:
            self._ended(Result(exception=error))
            raise

    async def aclose(self) -> None:
        try:
            await close(self._stream)
        finally:
            self._ended(asyncio.CancelledError())

    def also(self, end: End) -> bool:
        """Tell its end to another, who stands further out, without a layer more that each value
        would pass. False where nobody is told of it."""
        first = self._end
        if first is None:
            return False

        def both(outcome: Result | BaseException) -> None:
            try:
                first(outcome)
            finally:
                end(outcome)

        self._end = both
        return True

    def _ended(self, outcome: Result | BaseException) -> None:
        end, self._end = self._end, None
        if end is not None:
            end(outcome)

    def __del__(self) -> None:
        if self._end is not None and not self._loop.is_closed():
            # It may be any thread that collects it, and at any moment.
            self._loop.call_soon_threadsafe(self._end, asyncio.CancelledError())

    def __repr__(self) -> str:
        return f"<Watched {self._stream!r}>"
