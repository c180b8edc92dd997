"""Functions of the user's that are called when something happens."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from facade.core.cancellation import of_this_task


async def call(function: Callable[..., Any], *arguments: object) -> Any:
    """Call it, in a thread where it is a plain function, and await what is to be awaited.

    Whatever it raises is an Exception, so that no peer can end the process by it, nor is left
    without an answer: RuntimeError stands for what is none, and for what no future carries.
    """
    try:
        if inspect.iscoroutinefunction(function):
            return await function(*arguments)
        value = await asyncio.to_thread(_called, function, arguments)
        return await value if inspect.isawaitable(value) else value
    except asyncio.CancelledError as error:
        if of_this_task():
            raise
        raise _instead(function, error) from error  # it, or what it waited for, and not we
    except (Exception, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        raise _instead(function, error) from error


def _called(function: Callable[..., Any], arguments: tuple[object, ...]) -> Any:
    """Runs in a thread."""
    try:
        return function(*arguments)
    except StopIteration as error:
        raise _instead(function, error) from error


def _instead(function: Callable[..., Any], error: BaseException) -> RuntimeError:
    name = getattr(function, "__qualname__", repr(function))
    return RuntimeError(f"{name} raised {type(error).__name__}")
