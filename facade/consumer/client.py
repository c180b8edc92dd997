"""The asyncio client."""

import asyncio
from collections.abc import Collection
from types import TracebackType
from typing import Any, Self, TypeVar

from facade.codec import CallingCodec
from facade.consumer.callbacks import CallbackInvoker, NoCallbacks, OnLoop, Runner
from facade.consumer.connector import Connector
from facade.consumer.proxy import AsyncMethod, GenericService, RemoteMethod, proxy
from facade.consumer.remote import RemoteInvoker, UnaryInvoker
from facade.core.chain import chain
from facade.core.errors import Unimplemented
from facade.core.filter import CONSUMER, Invoker
from facade.core.invocation import Invocation
from facade.core.method import Method
from facade.exchange.answering import Export
from facade.exchange.reference import CallbackCodec
from facade.exchange.settings import DEFAULT_MAX_MESSAGE, Settings
from facade.exchange.transport import GrpcTransport, Transport, channel_options
from facade.plugins import FilterList, resolve
from facade.service import check_timeout, describe

S = TypeVar("S")

# Seconds that a call may take where nothing says otherwise. (Dubbo's default too.)
DEFAULT_TIMEOUT = 1.0


class AsyncClient:
    """Calls the services of one provider, all of them over one stream.

    It may be made anywhere and connects when the first call needs it. Times are seconds,
    sizes bytes.

    timeout            longest a call may take where neither it, its method, nor its
                       interface says so
    filters            names, filter objects, "default", "-name"; the first is outermost
    propagate          which received attachments go on to further hops: names, or None
    wait_for_ready     calls wait for a connection as long as their time allows; without it
                       they fail as soon as one attempt to connect does
    callbacks          how many callables, given as arguments, may be in use on one stream
    unary              each call is a gRPC call of its own: for proxies that end streams
    heartbeat          ask the provider for a sign of life after this long a silence
    heartbeat_timeout  and give the connection up when none comes for this long
    """

    def __init__(
        self,
        target: str,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        filters: FilterList = ("default",),
        application: str = "",
        propagate: Collection[str] | None = ("*",),
        wait_for_ready: bool = True,
        callbacks: int = 1024,
        unary: bool = False,
        max_message_size: int = DEFAULT_MAX_MESSAGE,
        heartbeat: float = 30.0,
        heartbeat_timeout: float = 10.0,
        transport: Transport | None = None,
    ) -> None:
        check_timeout(timeout, "timeout of the client")
        check_timeout(heartbeat, "heartbeat")
        check_timeout(heartbeat_timeout, "heartbeat_timeout")
        if isinstance(propagate, str):
            raise TypeError(f"propagate is a list of names: propagate=[{propagate!r}]")
        settings = Settings(
            application=application,
            max_message_size=max_message_size,
            heartbeat=heartbeat,
            heartbeat_timeout=heartbeat_timeout,
        )
        if transport is None:
            options = channel_options(max_message_size, heartbeat, heartbeat_timeout)
            transport = GrpcTransport(target, options)
        self._timeout = timeout
        self._connector = Connector(
            transport, settings, _NothingExported(), wait_for_ready=wait_for_ready
        )
        self._end: Invoker = (
            UnaryInvoker(transport, settings) if unary else RemoteInvoker(self._connector)
        )
        self._filters = resolve(filters, CONSUMER, {"propagate": propagate})
        self._invoker = chain(self._filters, self._end)
        # Calls that hand over callbacks have an inner end of their own.
        self._callbacks: CallbackInvoker | NoCallbacks = (
            NoCallbacks(self._end)
            if unary
            else CallbackInvoker(self._connector, self._runner(), callbacks)
        )
        self._with_callbacks = chain(self._filters, self._callbacks)
        self._futures: set[asyncio.Future[Any]] = set()

    @property
    def target(self) -> str:
        return self._connector.target

    @property
    def invoker(self) -> Invoker:
        """The chain that every call runs through; it prints as what it is."""
        return self._invoker

    def refer(
        self,
        interface: type[S],
        *,
        group: str | None = None,
        version: str | None = None,
        timeout: float | None = None,
    ) -> S:
        """A remote service, as an object of its interface.

        ``group`` and ``version`` override those of the interface; ``timeout`` (seconds)
        is for methods that set none themselves.
        """
        check_timeout(timeout, "timeout of the reference")
        service = describe(interface)

        def make(method: Method, codec: CallingCodec) -> RemoteMethod:
            return self._method(
                codec,
                service=service.name,
                name=method.name,
                group=service.group if group is None else group,
                version=service.version if version is None else version,
                method=method,
                timeout=method.timeout or timeout or service.timeout or self._timeout,
            )

        return proxy(interface, service, make)

    def generic(self, service: str, *, group: str = "", version: str = "") -> GenericService:
        """A remote service by name, without an interface."""

        def make(name: str, codec: CallingCodec) -> RemoteMethod:
            return self._method(
                codec,
                service=service,
                name=name,
                group=group,
                version=version,
                method=None,
                timeout=self._timeout,
            )

        return GenericService(service, make)

    def _method(self, codec: CallingCodec, **facts: Any) -> RemoteMethod:
        return AsyncMethod(self._chain(codec), codec, self._futures, **facts)

    def _chain(self, codec: CallingCodec) -> Invoker:
        return self._with_callbacks if isinstance(codec, CallbackCodec) else self._invoker

    def _runner(self) -> Runner:
        return OnLoop()

    def release(self, callback: object) -> bool:
        """Forget a callable that was given as an argument. A provider that calls it gets
        Unavailable. False where none of its references is in use."""
        return self._callbacks.withdraw(callback)

    async def ready(self, timeout: float | None = None) -> None:
        """Connect now. Raises Unavailable after ``timeout`` seconds (else: the client's)."""
        await self._connector.ready(timeout or self._timeout, "ready()")

    async def close(self, grace: float = 5.0) -> None:
        """Let calls under way end, at most ``grace`` seconds, and hang up."""
        await self._connector.close(grace)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncClient of {self.target!r}: {self._invoker!r}>"


class _NothingExported:
    def find(self, invocation: Invocation) -> Export:
        raise Unimplemented(f"{invocation}: this end is a consumer and exports nothing")
