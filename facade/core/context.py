"""What surrounds a call: attachments, addresses, the time left. (Dubbo: RpcContext)

How it works. Two things are kept apart, each in a context variable of its own.

A *Request* is the call that this code serves. The provider's ``context`` filter sets
it in the task of the call, and whatever the method starts (tasks, threads with a
copied context) sees the same one.

A *Caller* is somebody who makes calls: a task, or a thread without a loop. What he
wants to send with his next call is his alone, so a task that finds the Caller of its
parent makes one of its own. Otherwise one task of a ``gather`` would send the
attachments of another. What the variable holds is a *Here*: the Caller, with whose he is
and the last call that was made.
"""

import asyncio
import concurrent.futures
import contextvars
import threading
import weakref
from collections import ChainMap
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar, overload

from facade.core.async_context import AsyncContext
from facade.core.countdown import TimeoutCountDown
from facade.core.filter import CONSUMER, PROVIDER
from facade.core.future import future_of
from facade.core.invocation import Attachments, Invocation
from facade.core.service_context import ServiceContext
from facade.core.switch import async_call, oneway_call

P = ParamSpec("P")
T = TypeVar("T")

# Names that steer a call by fields of the envelope, or that Dubbo reserves. They reach
# the provider's filters, but neither its methods nor further hops. (Dubbo: ContextFilter)
RESERVED = frozenset(
    {
        "_TO",
        "_to",
        "async",
        "auth-key-id",
        "auth-nonce",
        "auth-signature",
        "auth-time",
        "authorization",
        "call.attempt",
        "callback.service.instid",
        "dubbo",
        "dubbo.force.tag",
        "dubbo.tag",
        "enable-timeout-countdown",
        "group",
        "id",
        "interface",
        "path",
        "remote.application",
        "return",
        "sent",
        "timeout",
        "timeout-countdown",
        "token",
        "version",
    }
)


class Request:
    """The call that is being served here."""

    __slots__ = (
        "attachments",
        "downstream",
        "ended",
        "invocation",
        "response_attachments",
        "values",
    )

    def __init__(self, invocation: Invocation) -> None:
        received = invocation.attachments
        if not RESERVED.isdisjoint(received):
            received = {k: v for k, v in received.items() if k not in RESERVED}
        self.invocation = invocation
        self.attachments = received
        self.response_attachments: Attachments = {}
        # What came back with the calls that the method made in turn.
        self.downstream: Attachments = {}
        self.values: dict[Any, Any] = {}
        # What the method started may go on after it, and nobody's time limits it then.
        self.ended = False


class Caller:
    """Who makes calls, and what he keeps between them."""

    __slots__ = ("__weakref__", "client_attachments", "response_attachments", "values")

    def __init__(self) -> None:
        self.client_attachments: Attachments = {}
        self.response_attachments: Attachments = {}
        self.values: dict[Any, Any] = {}

    def take(self) -> Attachments:
        """Hand over what goes with the next call; it goes once."""
        attachments = self.client_attachments
        self.client_attachments = {}
        return attachments


class Here:
    """Where calls are made: a task or a thread, its Caller, and the last call.

    A call knows its Caller, and not this, or each task that made one would leave a cycle: five
    objects that wait for the collector.
    """

    __slots__ = ("caller", "invocation", "owner")

    def __init__(self, owner: object) -> None:
        self.owner = weakref.ref(owner)
        self.caller = Caller()
        self.invocation: Invocation | None = None


_request: contextvars.ContextVar[Request | None] = contextvars.ContextVar("request", default=None)
_here: contextvars.ContextVar[Here | None] = contextvars.ContextVar("here", default=None)

_starting = threading.Lock()

current_request = _request.get
set_request = _request.set
reset_request = _request.reset
set_here = _here.set
reset_here = _here.reset


def current_place() -> Here:
    # The low-level look-up, as current_task() raises where no loop runs.
    loop = asyncio._get_running_loop()
    owner = asyncio.current_task(loop) if loop is not None else None
    if owner is None:
        owner = threading.current_thread()  # type: ignore[assignment]
    here = _here.get()
    if here is None or here.owner() is not owner:
        here = Here(owner)
        _here.set(here)
    return here


def current_caller() -> Caller:
    return current_place().caller


def adopt(invocation: Invocation) -> None:
    """Where the chain of a call runs in a task of its own: let its filters find the call, and
    the notes of who made it, as if they ran in his."""
    caller: Caller = invocation.caller
    here = current_place()
    here.invocation = invocation
    here.caller.values = caller.values


def override(invocation: Invocation) -> None:
    """What a filter set for this attempt of a call goes with it, over what an attempt before
    left. Not what the caller of another task has set. (Dubbo: AbstractInvoker#invoke)"""
    here = _here.get()  # his, or that of whoever started him
    if here is not None and here.caller.client_attachments and current_place() is here:
        invocation.attachments.update(here.caller.take())


class CapturedContext:
    """The context of one moment, to be used elsewhere. Any number of threads may."""

    __slots__ = ("_context",)

    def __init__(self) -> None:
        self._context = contextvars.copy_context()

    def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``fn`` as if it were called where this was captured."""
        return self._context.copy().run(fn, *args, **kwargs)


class RpcContext:
    """The door to all of it. Every method says what it returns outside of a call."""

    @staticmethod
    def client_attachments() -> Attachments:
        """What to send with the next call that this task or thread makes, and only with it."""
        return current_caller().client_attachments

    @staticmethod
    def server_attachments() -> Mapping[str, str | bytes]:
        """What came with the call that is served here; empty outside of one. Read-only."""
        request = _request.get()
        return MappingProxyType(request.attachments if request is not None else {})

    @staticmethod
    def response_attachments() -> MutableMapping[str, str | bytes]:
        """Provider: what to send back. Consumer: what came back with the last call.

        In a method that calls others, reading finds both, its own first; writing is to
        its own.
        """
        request = _request.get()
        if request is None:
            return current_caller().response_attachments
        return ChainMap(request.response_attachments, request.downstream)

    @staticmethod
    def values() -> dict[Any, Any]:
        """Notes that stay in this process: of the call that is served here, or of this caller."""
        request = _request.get()
        return request.values if request is not None else current_caller().values

    @staticmethod
    def service() -> ServiceContext:
        """Facts of the call that is served here, or else of the last one made. RuntimeError
        where there is neither."""
        request = _request.get()
        if request is not None:
            return ServiceContext(PROVIDER, request.invocation)
        invocation = current_place().invocation
        if invocation is None:
            raise RuntimeError("no call is served here, and none was made here yet")
        return ServiceContext(CONSUMER, invocation)

    @staticmethod
    def countdown() -> TimeoutCountDown | None:
        """The time left for the call that is served here. None outside, or without a limit."""
        request = _request.get()
        return request.invocation.countdown if request is not None else None

    @staticmethod
    def future() -> Any:
        """The future of the last call made here, and for a oneway call one of None; None
        before any.

        It is asyncio's for calls of AsyncClient, else that of concurrent.futures. The future
        of a plain call, which is made when it is asked for, is asyncio's where a loop runs.
        """
        invocation = current_place().invocation
        return None if invocation is None else future_of(invocation)

    @overload
    @staticmethod
    def async_call(
        fn: Callable[[], concurrent.futures.Future[T]],
    ) -> concurrent.futures.Future[T]: ...
    @overload
    @staticmethod
    def async_call(  # type: ignore[overload-overlap]  # an awaitable is a T too
        fn: Callable[[], Awaitable[T]],
    ) -> asyncio.Future[T]: ...
    @overload
    @staticmethod
    def async_call(fn: Callable[[], T]) -> concurrent.futures.Future[T]: ...
    @staticmethod
    def async_call(fn: Callable[[], Any]) -> Any:
        """Make the call that ``fn`` makes asynchronously: the future of its value.

        Where ``fn`` makes none, the future is of what it gives: of an awaitable as of a
        value. What ``fn`` raises is in the future, an RpcError as itself, anything else as
        the cause of one. (Dubbo: RpcContext#asyncCall)
        """
        return async_call(current_place(), fn)

    @overload
    @staticmethod
    def oneway_call(fn: Callable[[], Awaitable[Any]]) -> Coroutine[Any, Any, None]: ...
    @overload
    @staticmethod
    def oneway_call(fn: Callable[[], Any]) -> None: ...
    @staticmethod
    def oneway_call(fn: Callable[[], Any]) -> Any:
        """Make the call that ``fn`` makes oneway. Where ``fn`` gives an awaitable, so does
        this. RpcError for what is raised, whose cause it is. (Dubbo: RpcContext#asyncCall)
        """
        return oneway_call(current_caller(), fn)

    @staticmethod
    def start_async() -> AsyncContext:
        """Answer the call that is served here later, by ``write``. The same object each time.

        RuntimeError outside of one.
        """
        request = _request.get()
        if request is None:
            raise RuntimeError("start_async() is for methods of a provider: no call is served here")
        invocation = request.invocation
        with _starting:
            if invocation.async_context is None:
                invocation.async_context = AsyncContext(invocation, _request)
        started: AsyncContext = invocation.async_context
        return started

    @staticmethod
    def is_async_started() -> bool:
        """Whether ``start_async`` was called for the call that is served here; False outside."""
        request = _request.get()
        return request is not None and request.invocation.async_context is not None

    @staticmethod
    def capture() -> CapturedContext:
        """Take the context along, to a thread, an executor or a callback."""
        return CapturedContext()
