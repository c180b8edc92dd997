"""The inner end of the provider's chain."""

import asyncio
import concurrent.futures
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from facade.core.async_context import AsyncContext
from facade.core.chain import INTERRUPTED, RUNS_ON
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.method import Method, Service
from facade.core.result import Result, within
from facade.provider.pool import PoolExhausted, ThreadPool

logger = get_logger(__name__)

# KeyboardInterrupt is the operator's, GeneratorExit the end of the loop itself.
NOT_OF_THE_METHOD = (PoolExhausted, KeyboardInterrupt, GeneratorExit)

Call = Callable[[Invocation], Awaitable[Any]]


class LocalInvoker:
    """Calls the implementation. What a method raises is a result. (Dubbo: AbstractProxyInvoker)"""

    def __init__(self, service: Service, implementation: object, pool: ThreadPool) -> None:
        self._name = service.key
        self._pool = pool
        self._calls = {
            name: self._caller(getattr(implementation, name), method)
            for name, method in service.methods.items()
        }

    def _caller(self, function: Callable[..., Any], method: Method) -> Call:
        if method.streaming:
            from facade.provider.streaming import stream_caller  # for those who have some

            return stream_caller(function, method, self._pool)
        if inspect.iscoroutinefunction(function):

            def on_loop(invocation: Invocation) -> Awaitable[Any]:
                if invocation.keywords:
                    return function(*invocation.arguments, **invocation.keywords)  # type: ignore[no-any-return]
                return function(*invocation.arguments)  # type: ignore[no-any-return]

            return on_loop

        async def in_thread(invocation: Invocation) -> Any:
            thread = self._pool.start(function, invocation.arguments, invocation.keywords)
            try:
                value = await thread.result()
            except asyncio.CancelledError:
                invocation.attributes[RUNS_ON] = thread
                raise
            if isinstance(value, concurrent.futures.Future):
                return await asyncio.wrap_future(value)
            return await value if inspect.isawaitable(value) else value

        return in_thread

    async def invoke(self, invocation: Invocation) -> Result:
        try:
            value = await self._calls[invocation.name](invocation)
        except asyncio.CancelledError:
            invocation.attributes[INTERRUPTED] = True
            raise
        except NOT_OF_THE_METHOD:
            raise
        except BaseException as error:
            return self._failed(error, invocation)
        if invocation.async_context is not None:
            return await _written(invocation)
        return Result(value)

    def _failed(self, error: BaseException, invocation: Invocation) -> Result:
        if not isinstance(error, Exception):
            # SystemExit, say: a caller must not end the process, nor be left without an answer.
            # The traceback is for the filter ``exception``.
            logger.error("%s raised %r; its caller is told", invocation, error)
        context: AsyncContext | None = invocation.async_context
        if context is not None and not context.stop():
            logger.error("%s raised %r after its answer was written", invocation, error)
        return Result(exception=error)

    @property
    def available(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"LocalInvoker({self._name!r})"


async def _written(invocation: Invocation) -> Result:
    """What is written to the AsyncContext of the call; expired when its time is up before."""
    context: AsyncContext = invocation.async_context
    return await within(invocation.countdown, asyncio.wrap_future(context.future))
