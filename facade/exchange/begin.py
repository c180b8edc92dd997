"""Take the first step of a coroutine now, and the rest in some task later."""

import types
from collections.abc import Awaitable, Coroutine, Generator
from contextlib import suppress
from typing import Any


def begin(coroutine: Coroutine[Any, None, None]) -> Awaitable[None]:
    """Run ``coroutine`` up to its first wait; await the rest.

    Only for coroutines that do not ask in which task they run. What the first step raises
    is raised by the rest.
    """
    try:
        waits_for = coroutine.send(None)
    except StopIteration:
        return _over(None)
    except Exception as error:
        return _over(error)
    return _rest(coroutine, waits_for)


def drop(begun: Any) -> None:
    """Nobody is going to await it: what it waits for is cancelled, as with a task."""
    with suppress(Exception):  # it may be over, or wait for nothing
        begun.send(None).cancel()
    begun.close()


@types.coroutine
def _over(error: Exception | None) -> Generator[Any, Any, None]:
    """No coroutine of its own: nobody need await it."""
    if error is not None:
        raise error
    yield from ()


@types.coroutine
def _rest(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    try:
        while True:
            try:
                value = yield waits_for
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as error:
                waits_for = coroutine.throw(error)
            else:
                waits_for = coroutine.send(value)
    except StopIteration:
        return
