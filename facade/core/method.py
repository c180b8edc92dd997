"""What is known of a service and its methods before any call."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

_NOTHING: Mapping[str, Any] = MappingProxyType({})


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


class Parameter(NamedTuple):
    """What a method takes."""

    name: str
    type: Any
    required: bool = True
    keyword_only: bool = False


class Method(NamedTuple):
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
    settings: Mapping[str, Any] = _NOTHING

    @property
    def streaming(self) -> bool:
        """Whether anything of it is a stream."""
        return self.yields or bool(self.streamed)

    def __str__(self) -> str:
        return f"{self.service}.{self.name}"

    def __repr__(self) -> str:
        """Without settings, which may be secrets."""
        return f"Method({self.service!r}, {self.name!r}, {self.parameters!r}, {self.returns!r})"


class Service(NamedTuple):
    """An interface: a name, which group and version of it, and its methods by name."""

    name: str
    methods: Mapping[str, Method]
    group: str = ""
    version: str = ""
    timeout: float | None = None
    summary: str = ""
    settings: Mapping[str, Any] = _NOTHING

    @property
    def key(self) -> str:
        """``[group/]name[:version]``. (Dubbo: URL#getServiceKey)"""
        return service_key(self.name, self.group, self.version)

    def __repr__(self) -> str:
        """Its key alone: methods and settings are long, and settings may be secrets."""
        return f"Service({self.key!r})"


def service_key(name: str, group: str, version: str) -> str:
    return f"{group + '/' if group else ''}{name}{':' + version if version else ''}"


def is_text(value: object) -> bool:
    """Whether it is text that can travel: parts of an undecodable file name, say, can't."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
