"""How filters are put around an invoker.

A chain is an invoker. It is built once; nothing is looked up per call.
"""

import dis
import inspect
import traceback
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from types import CodeType
from typing import Any

from facade.core.filter import Filter, Invoker
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result

# Among the attributes of a call whose method was interrupted by cancellation.
INTERRUPTED = "facade.interrupted"

# And of one whose method can't be: what tells by ``ended()`` when its thread is through.
RUNS_ON = "facade.runs_on"

logger = get_logger(__name__)


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
    """A filter and what it calls: an invoker again.

    It is armed at first: what its filter gives is checked, until that has been a Result
    once. From then on a call has no frame of ours here. See ``accuse`` for what comes later.
    """

    __slots__ = ("filter", "invoke", "next")

    invoke: Callable[[Invocation], Awaitable[Result]]

    def __init__(self, filter: Filter, next: Invoker) -> None:
        self.filter = filter
        self.next = next
        self.arm()

    def arm(self) -> None:
        """Check what the filter gives, until that has been a Result."""
        self._use(self._checked if _has(self.filter, "invoke") else None)

    def _use(self, own: Callable[[Invocation], Awaitable[Result]] | None) -> None:
        listens = _has(self.filter, "on_response") or _has(self.filter, "on_error")
        if listens or own is None:
            self.invoke = partial(self._listen, own)
        else:
            self.invoke = own

    async def _checked(self, invocation: Invocation) -> Result:
        result: Any = await self.filter.invoke(self.next, invocation)
        if not isinstance(result, Result):
            raise TypeError(f"{_place(self.filter, 'invoke')} gave {no_result(result)}")
        self._use(partial(self.filter.invoke, self.next))
        return result

    async def _listen(
        self, own: Callable[[Invocation], Awaitable[Result]] | None, invocation: Invocation
    ) -> Result:
        try:
            # That of the next link changes: it is looked up for each call.
            result = await (self.next.invoke if own is None else own)(invocation)
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


async def answered(invoker: Invoker, invocation: Invocation) -> Any:
    """Call, and give the value."""
    try:
        result = await invoker.invoke(invocation)
    except AttributeError as error:
        explain(invoker, error)
        raise
    if not isinstance(result, Result):
        raise accuse(invoker, result)
    return result.recreate()


def accuse(invoker: Invoker, result: object) -> TypeError:
    """What came out of a chain is no Result: the error which says whose fault it is.

    A filter that gave a Result before is no longer watched, so this names those that can have
    done it. The links are armed again: the next time, the error names the one that did it.
    """
    who = _suspects(_armed(invoker), result) or repr(invoker)
    return TypeError(f"{who} gave {no_result(result)}")


def explain(invoker: Invoker, error: BaseException) -> None:
    """Add a note to an error where a filter stumbled over what it took for a Result."""
    if not isinstance(error, AttributeError) or error.name not in Result.__slots__:
        return
    if isinstance(error.obj, Result):
        return
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    running = {id(f.f_locals.get(f.f_code.co_varnames[0])) for f in frames if f.f_code.co_argcount}
    filters = _armed(invoker)
    stumbled = [n for n, f in enumerate(filters) if id(f) in running]
    further_in = filters[stumbled[-1] + 1 :] if stumbled else filters
    if further_in:
        who = _suspects(further_in, error.obj)
        error.add_note(f"If that was to be a Result: {who} gave {no_result(error.obj)}")


def no_result(given: object) -> str:
    """What it is instead, and what to write."""
    if given is None:
        return "nothing instead of a Result: end it with `return result`"
    if inspect.isawaitable(given):
        if inspect.iscoroutine(given):
            given.close()  # or it is complained of besides
        return "what must be awaited: write `return await invoker.invoke(invocation)`"
    kind = type(given).__name__
    return (
        f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} instead of a Result: `return Result(value)`"
    )


def swallowers(invoker: Invoker) -> str:
    """Who can have answered a call that was cancelled: filters with their places, or ""."""
    return _suspects(_callers(invoker))


def _suspects(filters: list[Filter], given: object = ...) -> str:
    if given is None:
        filters = [f for f in filters if _may_give_none(f)] or filters
    # Ours are tested.
    filters = [f for f in filters if not type(f).__module__.startswith("facade.")] or filters
    places = [_place(f, "invoke") for f in filters]
    return f"one of {', '.join(places)}" if len(places) > 1 else "".join(places)


def _callers(invoker: Invoker) -> list[Filter]:
    """The filters that have an invoke of their own."""
    filters = list(invoker)[:-1] if isinstance(invoker, Link) else []
    return [f for f in filters if _has(f, "invoke")]


def _armed(invoker: Invoker) -> list[Filter]:
    """Arm all links; their filters that have an invoke of their own."""
    link: Any = invoker
    while isinstance(link, Link):
        link.arm()
        link = link.next
    return _callers(invoker)


def _may_give_none(filter: Filter) -> bool:
    """Whether it has a way out that returns None. What nobody can reach is not compiled."""
    before: Any = None
    for step in dis.get_instructions(_code(filter, "invoke")):
        if step.opname == "RETURN_CONST" and step.argval is None:
            return True
        loaded = before is not None and before.opname == "LOAD_CONST" and before.argval is None
        if step.opname == "RETURN_VALUE" and loaded:
            return True
        before = step
    return False


def _has(filter: Filter, name: str) -> bool:
    return getattr(type(filter), name) is not getattr(Filter, name)


def _place(filter: Filter, name: str) -> str:
    code = _code(filter, name)
    return f"{type(filter).__name__}.{name} ({code.co_filename}:{code.co_firstlineno})"


def _code(filter: Filter, name: str) -> CodeType:
    """Of the function that was written, and not of what a decorator put around it."""
    code: CodeType = inspect.unwrap(getattr(filter, name)).__code__
    return code
