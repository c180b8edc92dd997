"""A remote service as an object with methods, and one without an interface."""

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, ParamSpec, Protocol, Self, TypeVar, cast, overload

from facade.codec import CallingCodec, GenericCodec
from facade.core.context import current_caller
from facade.core.filter import Invoker
from facade.core.invocation import Attachments, Invocation
from facade.core.method import Method, Service
from facade.core.result import Result
from facade.exchange.reference import method_codec
from facade.service import check_timeout

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
S = TypeVar("S")


class RemoteMethod:
    """One method of a remote service. Call it, or choose how it is called.

    The context is taken when it is called, not when the answer is awaited.
    """

    __slots__ = (
        "_attachments",
        "_codec",
        "_group",
        "_invoker",
        "_method",
        "_name",
        "_oneway",
        "_service",
        "_timeout",
        "_version",
    )

    def __init__(
        self,
        invoker: Invoker,
        codec: CallingCodec,
        *,
        service: str,
        name: str,
        group: str,
        version: str,
        method: Method | None,
        timeout: float | None,
    ) -> None:
        self._invoker = invoker
        self._codec = codec
        self._service = service
        self._name = name
        self._group = group
        self._version = version
        self._method = method
        self._timeout = timeout
        self._oneway = method is not None and method.oneway
        self._attachments: Attachments = {}

    def options(
        self,
        *,
        timeout: float | None = None,
        attachments: Mapping[str, str | bytes] | None = None,
    ) -> Self:
        """The same method with a timeout (seconds) and attachments of its own; to be kept, or
        to be called at once."""
        check_timeout(timeout, "timeout of the call")
        changed = type(self).__new__(type(self))
        for slot in RemoteMethod.__slots__ + type(self).__slots__:
            setattr(changed, slot, getattr(self, slot))
        if timeout is not None:
            changed._timeout = float(timeout)
        changed._attachments = {**self._attachments, **(attachments or {})}
        return changed

    def _invocation(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Invocation:
        invocation = Invocation(
            self._service,
            self._name,
            arguments,
            keywords or None,
            attachments=self._attachments.copy(),
            group=self._group,
            version=self._version,
            timeout=self._timeout,
            oneway=self._oneway,
            method=self._method,
        )
        invocation.codec = self._codec
        caller = invocation.caller = current_caller()
        if caller.client_attachments:
            invocation.taken = caller.take()
        return invocation

    def __repr__(self) -> str:
        return f"<{self._service}.{self._name} by {self._invoker!r}>"


class AsyncMethod(RemoteMethod):
    """For AsyncClient: calling gives a coroutine."""

    __slots__ = ("_tasks",)

    def __init__(
        self, invoker: Invoker, codec: CallingCodec, tasks: set[Any], **facts: Any
    ) -> None:
        super().__init__(invoker, codec, **facts)
        self._tasks = tasks

    def __call__(self, *arguments: Any, **keywords: Any) -> Coroutine[Any, Any, Any]:
        return self._answer(self._invocation(arguments, keywords))

    async def _answer(self, invocation: Invocation) -> Any:
        return (await self._invoker.invoke(invocation)).recreate()

    def future(self, *arguments: Any, **keywords: Any) -> asyncio.Future[Any]:
        """Start the call now; its asyncio.Future. Also found in ``RpcContext.future()``."""
        invocation = self._invocation(arguments, keywords)
        task = asyncio.get_running_loop().create_task(self._answer(invocation))
        self._tasks.add(task)  # the loop itself would let it be collected
        task.add_done_callback(self._tasks.discard)
        invocation.caller.future = task
        return task

    def oneway(self, *arguments: Any, **keywords: Any) -> Coroutine[Any, Any, None]:
        """Send it and expect nothing back: awaiting it waits for a connection at most."""
        invocation = self._invocation(arguments, keywords)
        invocation.oneway = True
        return self._answer(invocation)


class BlockingMethod(RemoteMethod):
    """For Client: calling waits for the answer."""

    __slots__ = ("_engine", "_on_thread")

    def __init__(
        self,
        invoker: Invoker,
        codec: CallingCodec,
        engine: "Runs",
        on_thread: Invoker | None,
        **facts: Any,
    ) -> None:
        super().__init__(invoker, codec, **facts)
        self._engine = engine
        self._on_thread = on_thread

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._wait(self._invocation(arguments, keywords))

    def _wait(self, invocation: Invocation) -> Any:
        if self._on_thread is None:
            return self._engine.call(self._invoker, invocation).recreate()
        call = self._on_thread.invoke(invocation).__await__()
        try:
            next(call)
        except StopIteration as end:
            result: Result = end.value
            return result.recreate()
        raise RuntimeError(
            f"a filter of {self._on_thread!r} awaits the event loop, and says needs_loop = False"
        )

    def future(self, *arguments: Any, **keywords: Any) -> concurrent.futures.Future[Any]:
        """Start the call now; its concurrent.futures.Future. Also in ``RpcContext.future()``."""
        invocation = self._invocation(arguments, keywords)
        future = self._engine.start(self._invoker, invocation)
        invocation.caller.future = future
        return future

    def oneway(self, *arguments: Any, **keywords: Any) -> None:
        """Send it and expect nothing back: waits for a connection at most."""
        invocation = self._invocation(arguments, keywords)
        invocation.oneway = True
        self._wait(invocation)


class Runs(Protocol):
    """What runs calls for code without an event loop."""

    def call(self, invoker: Invoker, invocation: Invocation) -> Result: ...
    def start(self, invoker: Invoker, invocation: Invocation) -> concurrent.futures.Future[Any]: ...


def proxy(
    interface: type[S], service: Service, make: Callable[[Method, CallingCodec], RemoteMethod]
) -> S:
    """An object of a class that derives from ``interface``, with remote methods for its own."""
    methods = {name: make(method, method_codec(method)) for name, method in service.methods.items()}
    namespace: dict[str, Any] = {
        **methods,
        "__init__": lambda self: None,  # the interface's may want arguments
        "__repr__": lambda self: f"<{service.key}, remote>",
    }
    cls = type(f"Remote{interface.__name__}", (interface,), namespace)
    return cast(S, cls())


class GenericService:
    """A service without an interface at hand: names in, plain values out."""

    def __init__(self, key: str, make: Callable[[str, CallingCodec], Any]) -> None:
        self._key = key
        self._make = make
        self._methods: dict[str, Any] = {}

    def method(self, name: str) -> Any:
        """The method of this name, with ``future``, ``oneway`` and ``options``."""
        if name not in self._methods:
            self._methods[name] = self._make(name, GenericCodec(self._key, name))
        return self._methods[name]

    def invoke(self, name: str, /, *arguments: Any, **keywords: Any) -> Any:
        """Call it: all arguments by position, or all by name. With AsyncClient, await it."""
        return self.method(name)(*arguments, **keywords)

    def __repr__(self) -> str:
        return f"<{self._key}, remote, without an interface>"


class Bound(Protocol[P, T_co]):
    """A remote method as a type checker should see it: see ``bound``."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co: ...
    def oneway(self, *args: P.args, **kwargs: P.kwargs) -> Any: ...
    def options(
        self,
        *,
        timeout: float | None = None,
        attachments: Mapping[str, str | bytes] | None = None,
    ) -> "Bound[P, T_co]": ...


class BoundAsync(Bound[P, Awaitable[T]], Protocol[P, T]):
    def future(self, *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]: ...


class BoundSync(Bound[P, T], Protocol[P, T]):
    def future(self, *args: P.args, **kwargs: P.kwargs) -> concurrent.futures.Future[T]: ...


@overload
def bound(  # type: ignore[overload-overlap]  # a coroutine is a T too; the first one fits first
    method: Callable[P, Coroutine[Any, Any, T]],
) -> BoundAsync[P, T]: ...
@overload
def bound(method: Callable[P, T]) -> BoundSync[P, T]: ...
def bound(method: Any) -> Any:
    """A remote method with the type of one: ``bound(greeter.hello).future("Ann")``.

    ``greeter.hello.future("Ann")`` does the same; a type checker sees a plain method there.
    TypeError for what is no remote method.
    """
    if not isinstance(method, RemoteMethod):
        raise TypeError(f"{method!r} is no method of a remote service")
    return method
