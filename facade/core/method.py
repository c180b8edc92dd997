"""What is known of a service and its methods before any call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class InvokeMode(Enum):
    """How a call hands its value over. (Dubbo: InvokeMode)

    The signature of a method says it; ``mode=`` of a reference or of ``options`` says
    otherwise.

    SYNC    ``def f() -> T``: the call waits for its value. By ``mode=``: the call gives what
            it gives without a mode, a value or what it can be awaited from
    ASYNC   ``async def f() -> T``: the caller may do other things meanwhile. By ``mode=``: the
            call is started and gives None at once, its value is in ``RpcContext.future()``
    FUTURE  ``def f() -> Future[T]``: the call is started and gives its future at once, the very
            one of ``RpcContext.future()``. What is declared so stays so
    """

    SYNC = "sync"
    ASYNC = "async"
    FUTURE = "future"


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: Any
    required: bool = True
    keyword_only: bool = False


@dataclass(frozen=True, slots=True)
class Method:
    """One method of an interface. ``returns`` is the type of the value itself.

    ``timeout`` is in seconds; None leaves it to the service and the application. ``sent``:
    a oneway call waits until it is written. ``countdown``: whether a call takes part in it;
    None leaves it to the client. ``callbacks`` are the names of the parameters that the
    provider may call. ``settings`` are for filters.

    ``wire_name`` is that of its gRPC method in native calls, where it is another.

    ``streamed`` are the names of the parameters that are streams: their type is that of one
    item, and the argument is an asynchronous iterator. ``yields``: so is the value, and
    ``returns`` is the type of one item.
    """

    service: str
    name: str
    parameters: tuple[Parameter, ...]
    returns: Any
    mode: InvokeMode = InvokeMode.ASYNC
    timeout: float | None = None
    oneway: bool = False
    sent: bool = False
    idempotent: bool = False
    cancel_on_timeout: bool = False
    countdown: bool | None = None
    summary: str = ""
    callbacks: tuple[str, ...] = ()
    streamed: tuple[str, ...] = ()
    yields: bool = False
    wire_name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def streaming(self) -> bool:
        """Whether anything of it is a stream."""
        return self.yields or bool(self.streamed)

    def __str__(self) -> str:
        return f"{self.service}.{self.name}"


@dataclass(frozen=True, slots=True)
class Service:
    """An interface: a name, which group and version of it, and its methods by name."""

    name: str
    methods: Mapping[str, Method] = field(repr=False)
    group: str = ""
    version: str = ""
    timeout: float | None = None
    summary: str = field(default="", repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        """``[group/]name[:version]``. (Dubbo: URL#getServiceKey)"""
        return service_key(self.name, self.group, self.version)


def service_key(name: str, group: str, version: str) -> str:
    return f"{group + '/' if group else ''}{name}{':' + version if version else ''}"
