"""The asyncio client."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from facade.codec import CallingCodec
from facade.consumer.connector import Connector
from facade.consumer.listener import InvokerListener, Reference
from facade.consumer.proxy import AsyncMethod, GenericService, RemoteMethod, proxy
from facade.consumer.remote import RemoteInvoker, UnaryInvoker
from facade.core.chain import chain
from facade.core.errors import Sent, Unavailable, Unimplemented
from facade.core.filter import CONSUMER, Invoker
from facade.core.invocation import Invocation
from facade.core.listener import check_listeners, tell
from facade.core.method import Method, service_key
from facade.exchange.answering import Export
from facade.exchange.injvm import InjvmInvoker, place
from facade.exchange.settings import DEFAULT_MAX_MESSAGE, Settings
from facade.exchange.transport import GrpcTransport, Transport, channel_options
from facade.plugins import FilterList, resolve
from facade.service import check_timeout, describe

S = TypeVar("S")

# Seconds that a call may take where nothing says otherwise. (Dubbo's default too.)
DEFAULT_TIMEOUT = 1.0


class AsyncClient:
    """Calls the services of one provider, all of them over one stream.

    Of the target "injvm" it calls what servers of this process export, without a network.

    It may be made anywhere and connects when the first call needs it. Times are seconds,
    sizes bytes.

    timeout            longest a call may take where neither it, its method, nor its
                       interface says so
    filters            names, filter objects, "default", "-name"; the first is outermost
    filter_settings    what filters find in ``configure``, and ``when`` asks for
    listeners          are told of each service that is referred to
    propagate          which received attachments go on to further hops: names, or None
    wait_for_ready     calls wait for a connection as long as their time allows; without it
                       they fail as soon as one attempt to connect does
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
        filter_settings: Mapping[str, Any] | None = None,
        listeners: Sequence[InvokerListener] = (),
        application: str = "",
        propagate: Collection[str] | None = ("*",),
        wait_for_ready: bool = True,
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
        check_listeners(listeners, InvokerListener, ("referred", "destroyed"))
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
        here = place(target)
        self._injvm = None if here is None else InjvmInvoker(here, application)
        self._end: Invoker = self._injvm or (
            UnaryInvoker(transport, settings) if unary else RemoteInvoker(self._connector)
        )
        self._filters = resolve(
            filters, CONSUMER, {**(filter_settings or {}), "propagate": propagate}
        )
        self._invoker = chain(self._filters, self._end)
        self._futures: set[asyncio.Future[Any]] = set()
        self._listeners = tuple(listeners)
        self._references: dict[str, Reference] = {}
        self._closed = False

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
        stub: Callable[[S], S] | None = None,
    ) -> S:
        """A remote service, as an object of its interface.

        ``group`` and ``version`` override those of the interface; ``timeout`` (seconds)
        is for methods that set none themselves. ``stub`` makes what is given in its place,
        and takes the remote service to call. (Dubbo: StubProxyFactoryWrapper)

        Unavailable once the client is closed.
        """
        check_timeout(timeout, "timeout of the reference")
        service = describe(interface)
        self._refer(
            service.name,
            service.group if group is None else group,
            service.version if version is None else version,
        )

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

        remote = proxy(interface, service, make)
        return remote if stub is None else stub(remote)

    def generic(self, service: str, *, group: str = "", version: str = "") -> GenericService:
        """A remote service by name, without an interface."""
        self._refer(service, group, version)

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

    def _refer(self, service: str, group: str, version: str) -> None:
        key = service_key(service, group, version)
        if self._closed:
            raise Unavailable(f"{key}: the client is closed: make another", sent=Sent.NOT_SENT)
        if self._listeners and key not in self._references:
            self._references[key] = reference = Reference(key, self.target, self._invoker)
            tell(self._listeners, "referred", reference)

    def _method(self, codec: CallingCodec, **facts: Any) -> RemoteMethod:
        return AsyncMethod(self._invoker, codec, self._futures, **facts)

    async def ready(self, timeout: float | None = None) -> None:
        """Connect now. Raises Unavailable after ``timeout`` seconds (else: the client's)."""
        if self._injvm is None:
            await self._connector.ready(timeout or self._timeout, "ready()")

    async def close(self, grace: float = 5.0) -> None:
        """Let calls under way end, at most ``grace`` seconds, and hang up."""
        self._closed = True
        if self._injvm is not None:
            await self._injvm.close(grace)
        await self._connector.close(grace)
        while self._references:
            _, reference = self._references.popitem()
            tell(self._listeners, "destroyed", reference)

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
