"""The inner end of the provider's chain."""

import asyncio
import concurrent.futures
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from facade.core.invocation import Invocation
from facade.core.method import Service
from facade.core.result import Result
from facade.provider.pool import PoolExhausted, ThreadPool

Call = Callable[[Invocation], Awaitable[Any]]


class LocalInvoker:
    """Calls the implementation. What a method raises is a result. (Dubbo: AbstractProxyInvoker)"""

    def __init__(self, service: Service, implementation: object, pool: ThreadPool) -> None:
        self._name = service.key
        self._pool = pool
        self._calls = {
            name: self._caller(getattr(implementation, name)) for name in service.methods
        }

    def _caller(self, function: Callable[..., Any]) -> Call:
        if inspect.iscoroutinefunction(function):

            def on_loop(invocation: Invocation) -> Awaitable[Any]:
                if invocation.keywords:
                    return function(*invocation.arguments, **invocation.keywords)  # type: ignore[no-any-return]
                return function(*invocation.arguments)  # type: ignore[no-any-return]

            return on_loop

        async def in_thread(invocation: Invocation) -> Any:
            value = await self._pool.run(function, invocation.arguments, invocation.keywords)
            if isinstance(value, concurrent.futures.Future):
                return await asyncio.wrap_future(value)
            return await value if inspect.isawaitable(value) else value

        return in_thread

    async def invoke(self, invocation: Invocation) -> Result:
        try:
            return Result(await self._calls[invocation.name](invocation))
        except PoolExhausted:
            raise  # it is not the method's
        except Exception as error:
            return Result(exception=error)

    def __repr__(self) -> str:
        return f"LocalInvoker({self._name!r})"
