"""Streams of values, as filters see them.

The value of a method that yields is an asynchronous iterator, and so is an argument that is
a stream. A filter may put another in its place, or have one watched.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

from facade.core.result import Result

# Told once how a stream ended: None, the error that it raised, or GeneratorExit where its
# reader left before the end.
End = Callable[[BaseException | None], None]


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
    if is_stream(result.value):
        result.value = Watched(result.value, end=end)
    else:
        end(result.exception)


class Watched(AsyncIterator[Any]):
    """A stream whose values pass by ``item``, which gives what is handed on, and whose end is
    told to ``end``. ``mend`` gives what is raised in place of what it raised."""

    __slots__ = ("_end", "_item", "_mend", "_stream")

    def __init__(
        self,
        stream: Any,
        *,
        item: Callable[[Any], Any] | None = None,
        end: End | None = None,
        mend: Callable[[BaseException], BaseException] | None = None,
    ) -> None:
        self._mend = mend
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
            self._ended(None)
            raise
        except BaseException as error:
            self._ended(error)
            mended = error if self._mend is None else self._mend(error)
            if mended is not error:
                raise mended from None
            raise

    async def aclose(self) -> None:
        try:
            await close(self._stream)
        finally:
            self._ended(GeneratorExit())

    def _ended(self, error: BaseException | None) -> None:
        end, self._end = self._end, None
        if end is not None:
            end(error)

    def __del__(self) -> None:
        self._ended(GeneratorExit())

    def __repr__(self) -> str:
        return f"<Watched {self._stream!r}>"
