"""Calls of methods that have streams: generators, and such as read iterators."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from facade.core.invocation import Invocation
from facade.core.method import Method
from facade.core.stream import is_stream
from facade.exchange.threads import FromThread, InThread, Run
from facade.provider.pool import ThreadPool


def stream_caller(
    function: Callable[..., Any], method: Method, pool: ThreadPool
) -> Callable[[Invocation], Awaitable[Any]]:
    """What calls ``function``, be it async or not, with streams of the event loop for values
    of its own kind."""
    if inspect.isasyncgenfunction(function):

        async def generate(invocation: Invocation) -> Any:
            return function(*invocation.arguments, **(invocation.keywords or {}))

        return generate

    async def run(function: Callable[[], None]) -> None:
        await pool.run(function, (), None, begun=True)

    if inspect.iscoroutinefunction(function):

        async def on_loop(invocation: Invocation) -> Any:
            value = await function(*invocation.arguments, **(invocation.keywords or {}))
            return _as_stream(value, method, run) if method.yields else value

        return on_loop

    async def in_thread(invocation: Invocation) -> Any:
        loop = asyncio.get_running_loop()
        arguments = tuple(_for_thread(a, loop) for a in invocation.arguments)
        keywords = {k: _for_thread(v, loop) for k, v in (invocation.keywords or {}).items()}
        value = await pool.run(function, arguments, keywords)
        if inspect.isawaitable(value):
            value = await value
        return _as_stream(value, method, run) if method.yields else value

    return in_thread


def _for_thread(argument: Any, loop: asyncio.AbstractEventLoop) -> Any:
    return InThread(argument, loop) if is_stream(argument) else argument


def _as_stream(value: Any, method: Method, run: Run) -> Any:
    # What is both comes from a thread, and may be of another event loop.
    if hasattr(type(value), "__iter__"):
        return FromThread(iter(value), run)
    if hasattr(type(value), "__aiter__"):
        return aiter(value)
    raise TypeError(f"{method} gave {type(value).__name__}, and its interface says a stream")
