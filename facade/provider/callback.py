"""What a method gets where its consumer gave a callable."""

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, overload

from facade.codec import Codec
from facade.core.chain import answered
from facade.core.context import current_place
from facade.core.errors import Sent, Unavailable
from facade.core.invocation import Attachments, Invocation
from facade.core.method import Method
from facade.exchange.reference import CALL, INSTANCE, SERVICE, CallbackInterface
from facade.service import check_timeout

if TYPE_CHECKING:
    from facade.provider.listeners import Handle

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# Seconds that a call back may take where nothing says otherwise.
DEFAULT_TIMEOUT = 1.0

# Seconds that a thread waits beyond a call's time, before it believes the event loop to be gone.
_PATIENCE = 5.0


class RemoteCallback:
    """A function of the consumer's. It may be kept, and called after the method has returned.

    On an event loop, await it; in a thread, it blocks. As with other calls, the context is
    taken when it is called, and ``oneway`` and ``future`` make other kinds of them.
    """

    __slots__ = ("__weakref__", "_attachments", "_codec", "_handle", "_method", "_timeout")

    def __init__(self, handle: "Handle", method: Method, codec: Codec, timeout: float) -> None:
        self._handle = handle
        self._method = method
        self._codec = codec
        self._timeout = timeout
        self._attachments: Attachments = {INSTANCE: handle.id}

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._run(self._invocation(arguments, keywords, self._method.oneway))

    def oneway(self, *arguments: Any, **keywords: Any) -> Any:
        """Send it and expect nothing back, not even an error."""
        return self._run(self._invocation(arguments, keywords, True))

    def future(self, *arguments: Any, **keywords: Any) -> Any:
        """Start it now: an asyncio.Future on an event loop, a concurrent one in a thread."""
        invocation = self._invocation(arguments, keywords, self._method.oneway)
        future: Any = self._start(invocation)
        if asyncio._get_running_loop() is not None:
            future = asyncio.wrap_future(future)
        invocation.outcome = future
        return future

    def options(
        self,
        *,
        timeout: float | None = None,
        attachments: Mapping[str, str | bytes] | None = None,
    ) -> "RemoteCallback":
        """The same function with a timeout (seconds) and attachments of its own."""
        check_timeout(timeout, "timeout of the callback")
        changed = RemoteCallback(
            self._handle, self._method, self._codec, float(timeout or self._timeout)
        )
        changed._attachments = {**(attachments or {}), **self._attachments}
        return changed

    @property
    def available(self) -> bool:
        """Whether it can be called: its stream is there, and it was not withdrawn."""
        return self._handle.available

    def on_close(self, function: Callable[[Any], object]) -> None:
        """Call ``function`` once it can't be called any more, with what the method was given.

        At once where that is so already; else on the server's event loop: it must not
        block. Only while somebody keeps the callback: who let go of it hears nothing.
        """
        self._handle.on_close(function)

    def _invocation(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any], oneway: bool
    ) -> Invocation:
        invocation = Invocation(
            SERVICE,
            self._method.name,
            arguments,
            keywords or None,
            attachments=self._attachments.copy(),
            timeout=self._timeout,
            oneway=oneway,
            method=self._method,
        )
        invocation.codec = self._codec
        here = current_place()
        here.invocation = invocation
        caller = invocation.caller = here.caller
        if caller.client_attachments:
            invocation.taken = caller.take()
        return invocation

    async def _answer(self, invocation: Invocation) -> Any:
        return await answered(self._handle.invoker, invocation)

    def _run(self, invocation: Invocation) -> Any:
        running = asyncio._get_running_loop()
        if running is self._handle.loop:
            return self._answer(invocation)
        started = self._start(invocation)
        if running is not None:  # that of another thread
            return asyncio.wrap_future(started)
        try:
            concurrent.futures.wait((started,), self._timeout + _PATIENCE)
        finally:
            started.cancel()  # unless it is done: nobody waits any more
        if started.cancelled():
            raise Unavailable(f"{self._method}: the server's event loop is gone")
        return started.result()

    def _start(self, invocation: Invocation) -> concurrent.futures.Future[Any]:
        answer = self._answer(invocation)
        try:
            return asyncio.run_coroutine_threadsafe(answer, self._handle.loop)
        except RuntimeError:
            answer.close()
            raise Unavailable(
                f"{self._method}: the server's event loop is closed", sent=Sent.NOT_SENT
            ) from None

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, RemoteCallback)
            and other._handle is self._handle
            and other._method == self._method
        )

    def __hash__(self) -> int:
        return hash((id(self._handle), self._method.name))

    def __repr__(self) -> str:
        where = "" if self.available else ", gone"
        return f"<{self._method}, callback {self._handle.id}{where}>"


def view(handle: "Handle", interface: CallbackInterface) -> Any:
    """A function, or an object of the interface's class with remote methods for its own."""
    methods = {
        name: RemoteCallback(
            handle,
            method,
            interface.codecs[name],
            method.timeout or interface.timeout or DEFAULT_TIMEOUT,
        )
        for name, method in interface.methods.items()
    }
    if interface.type is None:
        return methods[CALL]
    made = _remote_class(interface)()
    vars(made).update(methods)
    return made


def _remote_class(interface: CallbackInterface) -> type:
    if interface.remote is None:
        assert interface.type is not None
        namespace: dict[str, Any] = {
            **dict.fromkeys(interface.methods),  # each object has its own
            "__init__": lambda self: None,
            "__repr__": lambda self: f"<{interface.name}, callback>",
        }
        interface.remote = type(f"Remote{interface.type.__name__}", (interface.type,), namespace)
    return interface.remote


class Callback(Protocol[P, T_co]):
    """A callback as a type checker should see it on an event loop: see ``callback``."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T_co]: ...
    def oneway(self, *args: P.args, **kwargs: P.kwargs) -> Awaitable[None]: ...
    def future(self, *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[Any]": ...
    def options(
        self,
        *,
        timeout: float | None = None,
        attachments: Mapping[str, str | bytes] | None = None,
    ) -> "Callback[P, T_co]": ...
    def on_close(self, function: Callable[[Any], object]) -> None: ...
    @property
    def available(self) -> bool: ...


@overload
def callback(listener: Callable[P, Awaitable[T]]) -> Callback[P, T]: ...
@overload
def callback(listener: Callable[P, T]) -> Callback[P, T]: ...
def callback(listener: Any) -> Any:
    """A callback that a method was given, with the type of one: ``await callback(listener)(1)``.

    It is the same object; a type checker sees the consumer's plain function in it. TypeError
    for what did not come from a consumer.
    """
    if not isinstance(listener, RemoteCallback):
        raise TypeError(f"{listener!r} is no callback of a consumer")
    return listener
