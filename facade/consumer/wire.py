"""How the calls of a client reach its provider."""

import asyncio
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from facade.codec import CallingCodec
from facade.consumer.callbacks import CallbackInvoker, NoCallbacks, Runner
from facade.consumer.connections import Connections, RoundRobin, check_connections
from facade.consumer.connector import Connector
from facade.consumer.describer import Describer
from facade.consumer.exports import NOTHING_EXPORTED
from facade.consumer.lease import Lease
from facade.consumer.limit import Publishes
from facade.consumer.named import ANY
from facade.consumer.remote import RemoteInvoker, UnaryInvoker
from facade.consumer.shared import SHARED, Shared
from facade.consumer.streaming import InjvmStreams, NoStreams, StreamInvoker
from facade.core.filter import CONSUMER, Filter, Invoker
from facade.exchange.handlers import Handlers
from facade.exchange.injvm import InjvmInvoker, InjvmTransport, place
from facade.exchange.options import channel_options
from facade.exchange.settings import Settings
from facade.exchange.transport import GrpcTransport, Transport
from facade.plugins import FilterList, resolve

if TYPE_CHECKING:
    from facade.exchange.tls import ClientTls


class Wire:
    """Over a stream, as unary calls of ours or of the provider's own, or within the process.

    ``end`` sends plain calls, ``callbacks`` those that hand over what can be called, ``streams``
    those with streams of values.
    ``connector`` keeps the streams, ``describer`` asks the provider what it publishes.
    """

    named = ANY  # an address names no service

    def __init__(
        self,
        target: str,
        settings: Settings,
        limits: Publishes,
        handlers: Handlers,
        runner: Runner,
        *,
        transport: Transport | None,
        tls: "ClientTls | None",
        unary: bool,
        native: bool,
        connections: int,
        wait_for_ready: bool,
        describe: bool,
        callbacks: int,
        codecs: weakref.WeakSet[CallingCodec] | None = None,
    ) -> None:
        here = place(target)
        if native:
            check_native(target, here is not None, unary, connections)
        single = unary or native
        streams = not single and here is None
        self._has_stream = streams
        check_connections(connections, handlers, not streams)
        private = transport is not None or single or connections > 0
        if tls is not None and (transport is not None or here is not None):
            raise ValueError("tls= is for a network: leave it out with transport=, or injvm")
        if transport is None:
            transport = (
                GrpcTransport(target, channel_options(settings), tls, settings.credentials)
                if here is None
                else InjvmTransport(here)
            )
        self.transport = transport
        self.limits = settings.limits
        # Those of the client's methods: see Lease.
        self.codecs: weakref.WeakSet[CallingCodec] = weakref.WeakSet() if codecs is None else codecs

        def hold(shared: Shared) -> Lease:
            return Lease(
                transport.target,
                shared,
                (target, settings, NOTHING_EXPORTED),
                lambda: Connector(transport, settings, NOTHING_EXPORTED),
                codecs=self.codecs,
                handlers=handlers,
                used=lambda stream: self.describer.connected(stream),
                wait_for_ready=wait_for_ready,
            )

        self.connector: Connections = (
            RoundRobin([hold(Shared()) for _ in range(connections)])
            if connections > 1
            else hold(Shared() if private else SHARED)
        )
        self.describer = Describer(
            self.connector, transport, limits, follow=describe and not native, unary=not streams
        )
        once = self.describer.once
        self._injvm = None if here is None else InjvmInvoker(here, settings.application, once)
        self.end: Invoker = self._injvm or (
            UnaryInvoker(transport, settings, once)
            if unary
            else native_end(self.native, settings, wait_for_ready)
            if native
            else RemoteInvoker(self.connector, settings.limits)
        )
        # Calls that hand over callbacks have an inner end of their own.
        self.callbacks: CallbackInvoker | NoCallbacks = (
            CallbackInvoker(self.connector, runner, callbacks) if streams else NoCallbacks(self.end)
        )
        # And so have calls with streams of values.
        self.streams: Invoker
        if self._injvm is not None:
            self.streams = InjvmStreams(self.connector, self._injvm)
        elif native:
            self.streams = self.end
        else:
            self.streams = StreamInvoker(self.connector) if streams else NoStreams()

    @property
    def native(self) -> GrpcTransport:
        """For gRPC calls of their own. ValueError where it is no gRPC that carries calls."""
        if not isinstance(self.transport, GrpcTransport):
            raise ValueError(
                f"{self.transport.target!r} is not reached by gRPC, which stubs and native calls "
                "need: give the client a target such as 'localhost:50051'"
            )
        return self.transport

    def resolve(self, filters: FilterList, settings: Mapping[str, Any]) -> list[Filter]:
        """The filters of a call, as the client has them."""
        return resolve(filters, CONSUMER, settings)

    @property
    def lease(self) -> Lease | None:
        """What all calls go through, where there is but one stream."""
        connector = self.connector if self._has_stream else None
        return connector if isinstance(connector, Lease) else None

    @property
    def busy(self) -> bool:
        """Whether calls of this client are under way."""
        return self.connector.busy or bool(getattr(self.transport, "under_way", ()))

    def begin(self) -> None:
        """Connect, where calls take a stream, without waiting for it."""
        if self._has_stream:
            self.connector.begin()

    async def close(self, grace: float) -> None:
        """Let calls under way end, at most ``grace`` seconds, and hang up."""
        self.describer.close()
        if self._injvm is not None:
            await self._injvm.close(grace)
        try:
            await asyncio.gather(self.connector.close(grace), self.transport.close(grace))
        finally:
            self.callbacks.close()


def native_end(transport: GrpcTransport, settings: Settings, wait_for_ready: bool) -> Invoker:
    from facade.consumer.native import NativeInvoker  # for those who make such calls

    return NativeInvoker(transport, settings, wait_for_ready=wait_for_ready)


def check_native(target: str, in_process: bool, unary: bool, connections: int) -> None:
    """ValueError for what can't be together with native calls."""
    for clash, given in (
        ("unary=True", unary),
        (f"connections={connections!r}", connections),
        (f"the target {target!r}", in_process),
    ):
        if given:
            raise ValueError(
                f"native=True makes each call a gRPC call of the provider's own methods, on one "
                f"connection of the client's: leave it out, or {clash}"
            )
