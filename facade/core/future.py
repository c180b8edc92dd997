"""The future of a call, for callers that did not ask for one when they called.

How it works. ``Invocation.outcome`` keeps what came of a call: the Result, or what was
raised. A future is made of it when somebody asks, so that a call pays for nothing but
keeping it. A call that was given a future from the start keeps that one.
"""

import asyncio
import concurrent.futures
from collections.abc import Coroutine
from typing import Any

from facade.core.invocation import Invocation
from facade.core.result import Result

Future = asyncio.Future[Any] | concurrent.futures.Future[Any]
FUTURES = (asyncio.Future, concurrent.futures.Future)


class Started(Coroutine[Any, Any, None]):
    """A call under way that nobody waits for: awaiting it gives None, at once.

    A coroutine by its interface, but one that may be left alone.
    """

    __slots__ = ("future",)

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self.future = future

    def send(self, value: None) -> Any:
        raise StopIteration(None)

    def throw(self, *error: Any) -> Any:
        raise error[1] if len(error) > 1 and error[1] is not None else error[0]

    def close(self) -> None:
        """Nothing is held."""

    def __await__(self) -> Any:
        return iter(())

    def __repr__(self) -> str:
        return f"<Started {self.future!r}>"


def future_of(invocation: Invocation) -> Future:
    """That of the call, the same one each time."""
    outcome = invocation.outcome
    if isinstance(outcome, FUTURES):
        return outcome
    future = new_future()
    if outcome is not None:
        _fill(future, outcome)
    invocation.outcome = future
    return future


def settle(invocation: Invocation, outcome: Result | BaseException) -> None:
    """The call ended: keep how, or tell the future that was asked for meanwhile."""
    future = invocation.outcome
    if future is None:
        invocation.outcome = outcome
    elif not future.done():
        _fill(future, outcome)


def new_future() -> Future:
    """asyncio's where a loop runs, else that of concurrent.futures. (The low-level look-up,
    as get_running_loop() raises where there is none.)"""
    loop = asyncio._get_running_loop()
    return concurrent.futures.Future() if loop is None else loop.create_future()


def completed(value: Any) -> concurrent.futures.Future[Any]:
    """A future of what is there already."""
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    future.set_result(value)
    return future


def failed(error: BaseException) -> Future:
    """A future that has failed."""
    future = new_future()
    future.set_exception(error)
    return future


def _fill(future: Future, outcome: Result | BaseException) -> None:
    error = outcome.exception if isinstance(outcome, Result) else outcome
    if error is None:
        future.set_result(outcome.value)  # type: ignore[union-attr]
    elif isinstance(error, asyncio.CancelledError):
        future.cancel()
        if isinstance(future, concurrent.futures.Future):
            future.set_running_or_notify_cancel()
    else:
        if isinstance(error, StopIteration):  # no future takes it
            error = RuntimeError(f"the method raised StopIteration: {error}")
        future.set_exception(error)
        future.exception()  # who called was told: it need not be logged as missed
