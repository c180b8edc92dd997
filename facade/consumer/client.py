"""The asyncio client."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from facade.codec import CallingCodec
from facade.consumer import options
from facade.consumer.callbacks import OnLoop, Runner
from facade.consumer.chains import Chains, Ends
from facade.consumer.generic import GenericService
from facade.consumer.limit import Limits
from facade.consumer.listener import InvokerListener, References
from facade.consumer.proxy import AsyncMethod, RemoteMethod, proxy
from facade.consumer.streaming import AsyncStreamMethod, gives_stream
from facade.consumer.wire import Wire
from facade.core.chain import chain, is_available
from facade.core.errors import Sent, Unavailable
from facade.core.filter import CONSUMER, Invoker
from facade.core.method import InvokeMode, Method, Service
from facade.core.settings import FilterSettings
from facade.exchange.credentials import Credentials, Given, warn_of
from facade.exchange.description import ProviderDescription
from facade.exchange.handlers import Handlers, OnConnect, OnDisconnect
from facade.exchange.limits import DEFAULT
from facade.exchange.limits import Limits as EndLimits
from facade.exchange.security import client_tls
from facade.exchange.settings import DEFAULT_MAX_MESSAGE, Settings
from facade.exchange.transport import Transport
from facade.plugins import FilterList, check_settings, merge, resolve
from facade.service import check_switches, check_timeout, with_timeouts
from facade.service import describe as read_interface
from facade.service import filter_settings as with_settings

if TYPE_CHECKING:
    from facade.consumer.clustered import ClusterWire
    from facade.exchange.tls import ClientTls

S = TypeVar("S")

# Seconds that a call may take where nothing says otherwise. (Dubbo's default too.)
DEFAULT_TIMEOUT = 1.0


class AsyncClient:
    """Calls the services of one provider, all of them over one stream; or of many, where the
    target says where these are found: "static:a:1,b:1", "zookeeper://h:2181", "dns:///name:1".

    Of the target "injvm" it calls what servers of this process export, without a network.
    It may be made anywhere and connects when the first call needs it. Clients of one event
    loop share the stream where their target, application, sizes, heartbeat, credentials, limits,
    TLS and compression are the same.
    Times are seconds, sizes bytes.

    timeout            longest a call may take where nothing else says so
    countdown          calls take over the time that is left where they are made, and tell
                       the provider what they have; @facade.method(countdown=) goes before it
    describe           ask the provider, after each connect, for the timeouts it publishes
    filters            names, filter objects, "default", "+name", "-name"; the first is outermost
    filter_settings    what filters find in ``configure``, and ``when`` asks for
    listeners          are told of each service that is referred to
    application        name of this application, for the provider
    propagate          which received attachments go on to further hops: names, or None
    wait_for_ready     calls wait for a connection as long as their time allows; without it
                       they fail as soon as one attempt to connect does
    callbacks          how many callables, given as arguments, may be in use on one stream
    unary              each call is a gRPC call of its own: for proxies that end streams
    native             each call is a gRPC call of the service's own method: see docs/grpc.md
    connections        0: one connection, shared with other clients; else so many of its own,
                       each call on the next
    on_connect         called with the Peer when a connection is made,
    on_disconnect      and with the Peer and the error (or None) when it has ended
    max_message_size   largest call or answer, unpacked; the smaller one of both ends holds
    heartbeat          ask the provider for a sign of life after this long a silence
    heartbeat_timeout  and give the connection up when none comes for this long
    credentials        what proves who we are, by name: str or bytes, or an async function that
                       gives them: see docs/security.md
    limits             Limits(...): what is taken of the provider
    tls                ClientTls(...), or True: the provider must be one of those whom gRPC trusts
    compression        "gzip" or "deflate" for what is sent, where the provider can read it
    invocation_ids     number calls, in the attachment ``id``: all, none, or asynchronous ones
    cluster=, loadbalance=, routers= ...   for many providers: see ClusterOptions
    """

    def __init__(
        self,
        target: str,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        countdown: bool = True,
        describe: bool = True,
        filters: FilterList = ("default",),
        filter_settings: Mapping[str, Any] | None = None,
        listeners: Sequence[InvokerListener] = (),
        application: str = "",
        propagate: Collection[str] | None = ("*",),
        wait_for_ready: bool = True,
        callbacks: int = 1024,
        unary: bool = False,
        native: bool = False,
        connections: int = 0,
        on_connect: OnConnect | None = None,
        on_disconnect: OnDisconnect | None = None,
        max_message_size: int = DEFAULT_MAX_MESSAGE,
        heartbeat: float = 30.0,
        heartbeat_timeout: float = 10.0,
        credentials: Given | None = None,
        limits: EndLimits | None = None,
        tls: "ClientTls | bool | None" = None,
        compression: str | None = None,
        invocation_ids: bool | None = None,
        transport: Transport | None = None,
        **cluster: Unpack[options.ClusterOptions],
    ) -> None:
        many = transport is None and options.is_many(target)
        options.check_options(cluster, many, AsyncClient)
        self._references = References(listeners)
        said = {**(filter_settings or {}), **options.settings_of(cluster)}
        check_settings(FilterSettings(said), filters, "filter_settings")
        settings = Settings(
            application=application,
            max_message_size=max_message_size,
            heartbeat=heartbeat,
            heartbeat_timeout=heartbeat_timeout,
            credentials=None if credentials is None else Credentials(credentials),
            limits=limits or DEFAULT,
            tls=(security := client_tls(tls)),
            compression=compression,
        )
        options.check_values(timeout, propagate)
        check_switches(countdown=countdown, describe=describe, wait_for_ready=wait_for_ready)
        check_switches(unary=unary, native=native)
        self._timeout = timeout
        self._invocation_ids = invocation_ids
        self._limits = Limits(timeout, countdown=countdown)
        self._wire: Wire | ClusterWire = (options.wire_of_many(cluster) if many else Wire)(
            target,
            settings,
            self._limits,
            Handlers(on_connect, on_disconnect),
            self._runner(),
            transport=transport,
            tls=security,
            unary=unary,
            native=native,
            connections=connections,
            wait_for_ready=wait_for_ready,
            describe=describe,
            callbacks=callbacks,
        )
        self._ends = self._make_ends()
        self._filters = filters
        self._settings = {**said, "propagate": propagate}
        if transport is None and options.readable(target, security):
            self._settings["open_target"] = target  # for filters that send what is secret
            warn_of(target, settings.credentials)
        self._chains = Chains(self._wire.resolve(filters, self._settings), self._ends)
        self._futures: set[asyncio.Future[Any]] = set()
        self._closed = False

    @property
    def target(self) -> str:
        return self._wire.connector.target

    @property
    def invoker(self) -> Invoker:
        """The chain that every call runs through; it prints as what it is."""
        return self._chains.plain

    @property
    def available(self) -> bool:
        """Whether a call would find a connection at once: connected, and not being ended."""
        return is_available(self._chains.plain)

    def refer(
        self,
        interface: type[S],
        *,
        group: str | None = None,
        version: str | None = None,
        timeout: float | None = None,
        timeouts: Mapping[str, float] | None = None,
        mode: InvokeMode | None = None,
        stub: Callable[[S], S] | None = None,
        filters: FilterList = (),
        methods: Mapping[str, Mapping[str, Any]] | None = None,
        **settings: Any,
    ) -> S:
        """A remote service, as an object of its interface.

        ``group`` and ``version`` override those of the interface. ``timeouts`` (seconds) are
        for methods by name, over those that the interface gives them; ``timeout`` is for
        methods without one. ``mode`` says how calls hand their values over, instead of what
        the signatures say: see InvokeMode. ``stub`` makes what is given in its place, and
        takes the remote service to call. (Dubbo: StubProxyFactoryWrapper)

        ``filters`` come after the client's. ``settings`` are for filters, and ``methods``
        says them for single methods: ``refer(Greeter, actives=10, methods={"hello":
        {"actives": 2}})``. Unavailable once the client is closed; ValueError where its target
        names another service.
        """
        check_timeout(timeout, "timeout of the reference")
        service = with_timeouts(read_interface(interface), timeouts or {})
        key, group, version = self._wire.named.referred(service, group, version)
        chains = self._chains_of(service, key, filters, settings, methods)
        self._refer(key, chains)

        def make(method: Method, codec: CallingCodec) -> RemoteMethod:
            return self._method(
                codec,
                chains,
                service=service.name,
                name=method.name,
                group=group,
                version=version,
                method=method,
                limit=self._limits.of_method(key, method, timeout or service.timeout),
                mode=mode,
            )

        remote = proxy(interface, service, make)
        return remote if stub is None else stub(remote)

    def generic(self, service: str = "", *, group: str = "", version: str = "") -> GenericService:
        """A remote service by name, else that which the target names, without an interface."""
        service, key, group, version = self._wire.named.fitting(service, group, version)
        chains = self._own_chains(key, self._filters, FilterSettings(self._settings))
        self._refer(key, chains)

        def make(name: str, codec: CallingCodec) -> RemoteMethod:
            return self._method(
                codec,
                chains,
                service=service,
                name=name,
                group=group,
                version=version,
                method=None,
                limit=self._limits.of_generic(key, name, streams=gives_stream(codec)),
            )

        return GenericService(service, make)

    def channel(self, *, filters: FilterList = (), **settings: Any) -> Any:
        """A ``grpc.aio.Channel`` for generated stubs: ``GreeterStub(client.channel())``. Its calls
        are plain gRPC calls through the consumer's filters; ``filters`` and ``settings`` are as
        ``refer`` has them. ValueError where the client does not reach its provider by gRPC."""
        return self._channel(filters, settings)

    def _channel(self, filters: FilterList, settings: Mapping[str, Any]) -> Any:
        from facade.consumer.stubs.channel import Channel  # for those who have stubs

        return Channel(*self._stub_parts(filters, settings))

    def _stub_parts(self, filters: FilterList, settings: Mapping[str, Any]) -> Any:
        from facade.consumer.stubs.invoker import StubInvoker

        merged = merge(self._filters, filters)
        check_settings(FilterSettings(settings), merged, "channel")
        chosen = resolve(merged, CONSUMER, {**self._settings, **settings})
        transport = self._wire.native
        return chain(chosen, StubInvoker(transport)), self._limits, transport

    def _chains_of(
        self,
        service: Service,
        key: str,
        filters: FilterList,
        settings: Mapping[str, Any],
        methods: Mapping[str, Mapping[str, Any]] | None,
    ) -> Chains:
        """Of a reference: the client's own where it says nothing else."""
        merged = merge(self._filters, filters)
        if isinstance(self._wire, Wire):
            options.check_one(name for own in (settings, *(methods or {}).values()) for name in own)
        check_settings(with_settings(service, {}, settings, methods), merged, service.name)
        own = with_settings(service, self._settings, settings, methods)
        return self._own_chains(key, merged if filters else self._filters, own)

    def _own_chains(self, key: str, filters: FilterList, settings: FilterSettings) -> Chains:
        if not isinstance(self._wire, Wire):
            shared = filters is self._filters
            return self._wire.chains(key, filters, settings, shared=shared)
        if filters is self._filters and settings.says_no_more_than(self._settings):
            return self._chains
        return Chains(resolve(filters, CONSUMER, settings), self._ends)

    def _refer(self, key: str, chains: Chains) -> None:
        if self._closed:
            raise Unavailable(f"{key}: the client is closed: make another", sent=Sent.NOT_SENT)
        self._references.add(key, self.target, chains.plain)

    def _method(self, codec: CallingCodec, chains: Chains, **facts: Any) -> RemoteMethod:
        self._wire.codecs.add(codec)
        invoker, ids = chains.of(codec), self._invocation_ids
        kind = AsyncStreamMethod if gives_stream(codec) else AsyncMethod
        return kind(invoker, codec, self._futures, ids=ids, **facts)

    def _make_ends(self) -> Ends:
        return Ends(self._wire.end, self._wire.callbacks, self._wire.streams)

    def _runner(self) -> Runner:
        return OnLoop()

    def release(self, callback: object) -> bool:
        """Forget a callable that was given as an argument. A provider that calls it gets
        Unavailable. False where none of its references is in use."""
        return self._wire.callbacks.withdraw(callback)

    async def ready(self, timeout: float | None = None) -> None:
        """Connect now, and learn what the provider publishes. Raises Unavailable after
        ``timeout`` seconds (else: the client's)."""
        if not isinstance(self._wire, Wire) and not self._closed:
            self._wire.expect(self._filters, self._settings)
        await self._wire.describer.ready(timeout or self._timeout)

    async def describe(
        self, service: str = "", *, group: str = "", version: str = ""
    ) -> ProviderDescription:
        """What the provider exports: all, or what has this name, group and version.

        Raises Unimplemented where it does not say, and Unavailable where it can't be asked.
        """
        return await self._wire.describer.describe(self._timeout, service, group, version)

    @property
    def late_results(self) -> int:
        """How many answers came when nobody waited for them any more, and were dropped."""
        return self._wire.connector.late

    async def close(self, grace: float = 5.0) -> None:
        """Let calls under way end, at most ``grace`` seconds, and hang up."""
        self._closed = True
        await self._wire.close(grace)
        self._references.destroy()

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
        return f"<AsyncClient of {self.target!r}: {self.invoker!r}>"
