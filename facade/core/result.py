"""What came of a call."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from facade.core.countdown import TimeoutCountDown
from facade.core.invocation import Attachments


class Result:
    """A value or the exception of the method, and what the provider sent beside it.

    An exception in a result is an answer: the method raised it. A call that failed on
    its way *raises* an ``RpcError`` instead. (Dubbo: AppResponse)

    ``expired``: the time ran out at the provider, and what the method gave was cleared.
    """

    __slots__ = ("attachments", "exception", "expired", "value")

    def __init__(
        self,
        value: Any = None,
        exception: BaseException | None = None,
        attachments: Attachments | None = None,
    ) -> None:
        self.value = value
        self.exception = exception
        self.expired = False
        self.attachments: Attachments = {} if attachments is None else attachments

    def recreate(self) -> Any:
        """Return the value, or raise the exception. (Dubbo: Result#recreate)"""
        if self.exception is not None:
            raise self.exception
        return self.value

    def clear(self) -> None:
        """Forget value, exception and attachments. (Dubbo: AppResponse#clear)"""
        self.value = None
        self.exception = None
        self.attachments = {}

    def __repr__(self) -> str:
        if self.expired:
            return "<Result expired>"
        if self.exception is not None:
            return f"<Result {type(self.exception).__name__}>"
        return f"<Result {type(self.value).__name__}>"


async def within(countdown: TimeoutCountDown | None, work: Awaitable[Result]) -> Result:
    """What ``work`` gives; or it is cancelled when the time is up, and the Result has expired."""
    try:
        async with asyncio.timeout(None if countdown is None else countdown.remaining) as scope:
            return await work
    except TimeoutError:
        if not scope.expired():
            raise
        result = Result()
        result.expired = True
        return result
