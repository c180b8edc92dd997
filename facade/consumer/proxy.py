"""A remote service as an object with methods, and one without an interface."""

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol, Self, TypeVar, cast

from facade.codec import CallingCodec
from facade.consumer.limit import Limit
from facade.consumer.mode import Handover, number, take_scoped
from facade.core.chain import accuse, answered, explain
from facade.core.context import adopt, current_caller, current_place
from facade.core.filter import Invoker
from facade.core.future import Started, settle
from facade.core.invocation import Attachments, Invocation
from facade.core.method import InvokeMode, Method, Service
from facade.core.result import Result
from facade.core.switch import ASYNC, RETURN, SENT, scoped
from facade.exchange.reference import method_codec
from facade.service import check_timeout

S = TypeVar("S")


class RemoteMethod:
    """One method of a remote service. Call it, or choose how it is called.

    The context is taken when it is called, not when the answer is awaited.
    """

    __slots__ = (
        "_attachments",
        "_codec",
        "_configured",
        "_group",
        "_ids",
        "_invoker",
        "_limit",
        "_method",
        "_mode",
        "_name",
        "_oneway",
        "_plain",
        "_service",
        "_steering",
        "_switches",
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
        limit: Limit,
        mode: InvokeMode | None = None,
        ids: bool | None = None,
    ) -> None:
        self._invoker = invoker
        self._codec = codec
        self._service = service
        self._name = name
        self._group = group
        self._version = version
        self._method = method
        self._limit = limit
        self._ids = ids
        self._attachments: Attachments = {}
        # Names of attachments that say how a call is made.
        self._steering = frozenset((ASYNC, RETURN, *scoped(name)))
        # Those that are about this method alone; they stay here.
        self._switches: Attachments = {}
        if method is not None and method.sent:
            self._attachments[SENT] = "true"
        self._configured = Handover.of(method, mode)
        self._look()

    def options(
        self,
        *,
        timeout: float | None = None,
        attachments: Mapping[str, str | bytes] | None = None,
        mode: InvokeMode | None = None,
        oneway: bool | None = None,
        sent: bool | None = None,
    ) -> Self:
        """The same method, called in another way; to be kept, or to be called at once.

        ``timeout`` is in seconds; the attachment "timeout" (milliseconds, as text) is one too.
        ``mode`` and ``oneway`` say what InvokeMode and ``@facade.method(oneway=)`` say;
        ``sent``: a oneway call waits until it is written.
        """
        check_timeout(timeout, "timeout of the call")
        changed = type(self).__new__(type(self))
        for kind in type(self).__mro__[:-1]:
            for slot in kind.__slots__:  # type: ignore[attr-defined]
                setattr(changed, slot, getattr(self, slot))
        changed._configured = self._configured.changed(mode, oneway)
        own = {**self._attachments, **(attachments or {})}
        changed._limit = self._limit.of_call(timeout, own.pop("timeout", None))
        if sent is not None:
            own[SENT] = str(sent).lower()
        changed._attachments = own
        changed._switches = {**self._switches, **take_scoped(own, self._name)}
        changed._look()
        return changed

    def _look(self) -> None:
        """Decide once what holds for all calls."""
        named = {**self._attachments, **self._switches}
        self._mode, self._oneway = self._configured.decide(named, self._name)
        # Nothing is left to decide for a call without attachments of its own.
        self._plain = self._mode is None and not self._ids

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        invocation = self._invocation(arguments, keywords)
        taken = invocation.taken
        if self._plain and (taken is None or self._steering.isdisjoint(taken)):
            return self._answer(invocation)
        mode = self._decide(invocation)
        if mode is None:
            if self._ids:
                number(invocation)
            return self._answer(invocation)
        future = self._start(invocation)
        return future if mode is InvokeMode.FUTURE else self._left(future)

    def future(self, *arguments: Any, **keywords: Any) -> Any:
        """Start the call now; its future, of asyncio or of concurrent.futures as the client is.
        Also found in ``RpcContext.future()``."""
        invocation = self._invocation(arguments, keywords)
        self._decide(invocation)
        return self._start(invocation)

    def oneway(self, *arguments: Any, **keywords: Any) -> Any:
        """Send it and expect nothing back: it waits for a connection at most. With AsyncClient,
        await it."""
        invocation = self._invocation(arguments, keywords)
        if invocation.taken is not None:
            self._decide(invocation)
        invocation.oneway = True
        return self._answer(invocation)

    def _start(self, invocation: Invocation) -> Any:
        if self._ids is not False:
            number(invocation)
        future = invocation.outcome = self._begin(invocation)
        return future

    # How calls are made by this kind of client.

    def _answer(self, invocation: Invocation) -> Any:
        """The value, or what gives it when it is awaited."""
        raise NotImplementedError

    def _begin(self, invocation: Invocation) -> Any:
        """A future of the value."""
        raise NotImplementedError

    def _left(self, future: Any) -> Any:
        """What a call gives that nobody waits for."""
        raise NotImplementedError

    def _invocation(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Invocation:
        limit = self._limit
        invocation = Invocation(
            self._service,
            self._name,
            arguments,
            keywords or None,
            attachments=self._attachments.copy(),
            group=self._group,
            version=self._version,
            timeout=limit.seconds,
            oneway=self._oneway,
            method=self._method,
        )
        invocation.codec = self._codec
        if not limit.in_countdown:
            invocation.in_countdown = False
        here = current_place()
        here.invocation = invocation
        caller = invocation.caller = here.caller
        if caller.client_attachments:
            taken = invocation.taken = caller.take()
            if "timeout" in taken:
                invocation.timeout = limit.asked(taken.pop("timeout"))
        return invocation

    def _decide(self, invocation: Invocation) -> InvokeMode | None:
        """How this call hands its value over; None: as the client does."""
        taken = invocation.taken
        if taken is None or self._steering.isdisjoint(taken):
            return self._mode
        switches = {**take_scoped(taken, self._name), **self._switches}
        named = {**taken, **self._attachments, **switches}
        mode, invocation.oneway = self._configured.decide(named, self._name)
        return mode

    def _no_result(self, chain: Invoker, invocation: Invocation, result: object) -> TypeError:
        error = accuse(chain, result)
        settle(invocation, error)
        return error

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

    async def _answer(self, invocation: Invocation) -> Any:
        caller = invocation.caller
        if caller.client_attachments and caller is current_caller():
            # They were left there since this call was made: they are for the next one.
            left = caller.take()
            try:
                return await self._answer(invocation)
            finally:
                caller.client_attachments = {**left, **caller.client_attachments}
        try:
            result = await self._invoker.invoke(invocation)
        except BaseException as error:
            explain(self._invoker, error)
            settle(invocation, error)
            raise
        if not isinstance(result, Result):
            raise self._no_result(self._invoker, invocation, result)
        if invocation.outcome is None:
            invocation.outcome = result
        else:
            settle(invocation, result)
        return result.value if result.exception is None else result.recreate()

    def _begin(self, invocation: Invocation) -> asyncio.Future[Any]:
        task = asyncio.get_running_loop().create_task(self._value(invocation))
        self._tasks.add(task)  # the loop itself would let it be collected
        task.add_done_callback(self._tasks.discard)
        return task

    def _left(self, future: asyncio.Future[Any]) -> Started:
        return Started(future)

    async def _value(self, invocation: Invocation) -> Any:
        adopt(invocation)
        return await answered(self._invoker, invocation)


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

    def _answer(self, invocation: Invocation) -> Any:
        try:
            result = self._result(invocation)
        except BaseException as error:
            explain(self._chain, error)
            settle(invocation, error)
            raise
        if not isinstance(result, Result):
            raise self._no_result(self._chain, invocation, result)
        if invocation.outcome is None:
            invocation.outcome = result
        else:
            settle(invocation, result)
        return result.recreate()

    @property
    def _chain(self) -> Invoker:
        return self._invoker if self._on_thread is None else self._on_thread

    def _result(self, invocation: Invocation) -> Result:
        if self._on_thread is None:
            return self._engine.call(self._invoker, invocation)
        call = self._on_thread.invoke(invocation).__await__()
        try:
            next(call)
        except StopIteration as end:
            result: Result = end.value
            return result
        raise RuntimeError(
            f"a filter of {self._on_thread!r} awaits the event loop, and says needs_loop = False"
        )

    def _begin(self, invocation: Invocation) -> concurrent.futures.Future[Any]:
        return self._engine.start(self._invoker, invocation)

    def _left(self, future: concurrent.futures.Future[Any]) -> None:
        return None


class Runs(Protocol):
    """What runs calls for code without an event loop."""

    loop: asyncio.AbstractEventLoop

    def call(self, invoker: Invoker, invocation: Invocation) -> Result: ...
    def start(
        self, invoker: Invoker, invocation: Invocation, change: Callable[[Any], Any] = ...
    ) -> concurrent.futures.Future[Any]: ...
    def submit(
        self, start: Callable[[], Coroutine[Any, Any, Any]], /
    ) -> concurrent.futures.Future[Any]: ...


def proxy(
    interface: type[S], service: Service, make: Callable[[Method, CallingCodec], RemoteMethod]
) -> S:
    """An object of a class that derives from ``interface``, with remote methods for its own."""
    methods = {name: make(method, method_codec(method)) for name, method in service.methods.items()}
    namespace: dict[str, Any] = {
        **methods,
        "__init__": lambda self: None,  # the interface's may want arguments
        # Answered here, whatever the interface makes of them for objects with fields.
        "__repr__": lambda self: f"<{service.key}, remote>",
        "__str__": object.__str__,
        "__eq__": object.__eq__,
        "__hash__": object.__hash__,
    }
    cls = type(f"Remote{interface.__name__}", (interface,), namespace)
    return cast(S, cls())
