"""How filters are put around an invoker.

A chain is an invoker. It is built once; nothing is looked up per call.
"""

import inspect
import logging
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any

from facade.core.filter import Filter, Invoker
from facade.core.invocation import Invocation
from facade.core.result import Result

logger = logging.getLogger(__name__)


def chain(filters: Sequence[Filter], invoker: Invoker, *, of: Filter | None = None) -> Invoker:
    """Put ``filters`` around ``invoker``, the first one outermost. TypeError for what is none.

    Those that answer methods of their own stay out, but for the one that this chain is ``of``.
    """
    for filter in reversed(filters):
        check(filter)
        if not filter.answers or filter is of:
            invoker = Link(filter, invoker)
    return invoker


class Link:
    """A filter and what it calls: an invoker again."""

    __slots__ = ("filter", "invoke", "next")

    invoke: Callable[[Invocation], Awaitable[Result]]

    def __init__(self, filter: Filter, next: Invoker) -> None:
        self.filter = filter
        self.next = next
        if not (_has(filter, "on_response") or _has(filter, "on_error")):
            self.invoke = partial(filter.invoke, next)  # no frame of ours per call
        elif _has(filter, "invoke"):
            self.invoke = partial(self._listen, partial(filter.invoke, next))
        else:
            self.invoke = partial(self._listen, next.invoke)

    async def _listen(
        self, invoke: Callable[[Invocation], Awaitable[Result]], invocation: Invocation
    ) -> Result:
        try:
            result = await invoke(invocation)
        except BaseException as error:
            self._tell(error, invocation)
            raise
        self.filter.on_response(result, self.next, invocation)
        return result

    def _tell(self, error: BaseException, invocation: Invocation) -> None:
        try:
            self.filter.on_error(error, self.next, invocation)
        except Exception:
            if not isinstance(error, CancelledError):
                raise
            # A cancelled task must end as one, or it would seem to have finished.
            logger.exception(
                "%r.on_error failed in a cancelled call of %s", self.filter, invocation
            )

    @property
    def available(self) -> bool:
        return is_available(self.next)

    def __iter__(self) -> Iterator[Any]:
        link: Any = self
        while isinstance(link, Link):
            yield link.filter
            link = link.next
        yield link

    def __repr__(self) -> str:
        return " -> ".join(map(repr, self))


def is_available(invoker: Invoker) -> bool:
    """Whether it could answer now. One that doesn't say so can. (Dubbo: Invoker#isAvailable)"""
    return bool(getattr(invoker, "available", True))


def check(filter: object) -> None:
    """TypeError, with what to do, for an object that can't be a filter."""
    if isinstance(filter, type):
        raise TypeError(f"{filter.__name__} is a class: give an object, {filter.__name__}(...)")
    if not isinstance(filter, Filter):
        raise TypeError(f"{filter!r} is no filter: derive its class from facade.Filter")
    parts = [name for name in ("invoke", "on_response", "on_error") if _has(filter, name)]
    if not parts:
        raise TypeError(
            f"{type(filter).__name__} does nothing: write its invoke(self, invoker, invocation), "
            "on_response or on_error"
        )
    for name in parts:
        is_async = inspect.iscoroutinefunction(getattr(filter, name))
        if name == "invoke" and not is_async:
            raise TypeError(f"{_place(filter, name)} must be `async def`")
        if name != "invoke" and is_async:
            raise TypeError(f"{_place(filter, name)} must be a plain `def`: nobody awaits it")


def _has(filter: Filter, name: str) -> bool:
    return getattr(type(filter), name) is not getattr(Filter, name)


def _place(filter: Filter, name: str) -> str:
    code = getattr(filter, name).__code__
    return f"{type(filter).__name__}.{name} ({code.co_filename}:{code.co_firstlineno})"
