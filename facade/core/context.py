"""What surrounds a call: attachments, addresses, the time left. (Dubbo: RpcContext)

How it works. Two things are kept apart, each in a context variable of its own.

A *Request* is the call that this code serves. The provider's ``context`` filter sets
it in the task of the call, and whatever the method starts (tasks, threads with a
copied context) sees the same one.

A *Caller* is somebody who makes calls: a task, or a thread without a loop. What he
wants to send with his next call is his alone, so a task that finds the Caller of its
parent makes one of its own. Otherwise one task of a ``gather`` would send the
attachments of another.
"""

import asyncio
import contextvars
import threading
import weakref
from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

from facade.core.countdown import TimeoutCountDown
from facade.core.filter import CONSUMER, PROVIDER
from facade.core.invocation import Attachments, Invocation

P = ParamSpec("P")
T = TypeVar("T")

# Names that steer a call by fields of the envelope, or that Dubbo reserves. They reach
# the provider's filters, but neither its methods nor further hops. (Dubbo: ContextFilter)
RESERVED = frozenset(
    {
        "_TO",
        "_to",
        "async",
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

    __slots__ = (
        "__weakref__",
        "client_attachments",
        "future",
        "invocation",
        "owner",
        "response_attachments",
        "values",
    )

    def __init__(self, owner: object) -> None:
        self.owner = weakref.ref(owner)
        self.client_attachments: Attachments = {}
        self.response_attachments: Attachments = {}
        self.invocation: Invocation | None = None
        self.future: Any = None
        self.values: dict[Any, Any] = {}

    def take(self) -> Attachments:
        """Hand over what goes with the next call; it goes once."""
        attachments = self.client_attachments
        self.client_attachments = {}
        return attachments


_request: contextvars.ContextVar[Request | None] = contextvars.ContextVar("request", default=None)
_caller: contextvars.ContextVar[Caller | None] = contextvars.ContextVar("caller", default=None)

current_request = _request.get
set_request = _request.set
reset_request = _request.reset


def current_caller() -> Caller:
    # The low-level look-up, as current_task() raises where no loop runs.
    loop = asyncio._get_running_loop()
    owner = asyncio.current_task(loop) if loop is not None else None
    if owner is None:
        owner = threading.current_thread()  # type: ignore[assignment]
    caller = _caller.get()
    if caller is None or caller.owner() is not owner:
        caller = Caller(owner)
        _caller.set(caller)
    return caller


class ServiceContext:
    """Facts of the call at hand: the one that is served here, or else the last one made.

    ``side`` is "provider" or "consumer"; addresses are gRPC's, e.g. "ipv4:127.0.0.1:50051".
    """

    __slots__ = ("_invocation", "side")

    def __init__(self, side: str, invocation: Invocation) -> None:
        self.side = side
        self._invocation = invocation

    @property
    def service(self) -> str:
        return self._invocation.service

    @property
    def group(self) -> str:
        return self._invocation.group

    @property
    def version(self) -> str:
        return self._invocation.version

    @property
    def method(self) -> str:
        return self._invocation.name

    @property
    def arguments(self) -> tuple[Any, ...]:
        return self._invocation.arguments

    @property
    def remote_address(self) -> str:
        return self._invocation.remote_address

    @property
    def local_address(self) -> str:
        return self._invocation.local_address

    @property
    def remote_application(self) -> str:
        return self._invocation.remote_application

    def __repr__(self) -> str:
        return f"<ServiceContext {self.side} of {self._invocation}>"


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
        invocation = current_caller().invocation
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
        """The future of the last ``.future(...)`` call made here; None before any."""
        return current_caller().future

    @staticmethod
    def capture() -> CapturedContext:
        """Take the context along, to a thread, an executor or a callback."""
        return CapturedContext()
