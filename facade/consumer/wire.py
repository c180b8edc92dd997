"""How the calls of a client reach its provider."""

import asyncio
import weakref

from facade.codec import CallingCodec
from facade.consumer.callbacks import CallbackInvoker, NoCallbacks, Runner
from facade.consumer.connections import Connections, RoundRobin, check_connections
from facade.consumer.connector import Connector
from facade.consumer.describer import Describer
from facade.consumer.exports import NOTHING_EXPORTED
from facade.consumer.lease import Lease
from facade.consumer.limit import Limits
from facade.consumer.remote import RemoteInvoker, UnaryInvoker
from facade.consumer.shared import SHARED, Shared
from facade.consumer.streaming import InjvmStreams, NoStreams, StreamInvoker
from facade.core.filter import Invoker
from facade.exchange.handlers import Handlers
from facade.exchange.injvm import InjvmInvoker, InjvmTransport, place
from facade.exchange.settings import Settings
from facade.exchange.transport import GrpcTransport, Transport, channel_options


class Wire:
    """Over a stream, as unary calls, or within the process.

    ``end`` sends plain calls, ``callbacks`` those that hand over what can be called, ``streams``
    those with streams of values.
    ``connector`` keeps the streams, ``describer`` asks the provider what it publishes.
    """

    def __init__(
        self,
        target: str,
        settings: Settings,
        limits: Limits,
        handlers: Handlers,
        runner: Runner,
        *,
        transport: Transport | None,
        unary: bool,
        connections: int,
        wait_for_ready: bool,
        describe: bool,
        callbacks: int,
    ) -> None:
        here = place(target)
        streams = not unary and here is None
        check_connections(connections, handlers, not streams)
        private = transport is not None or unary or connections > 0
        if transport is None:
            transport = (
                GrpcTransport(target, channel_options(settings))
                if here is None
                else InjvmTransport(here)
            )
        self.transport = transport
        # Those of the client's methods: see Lease.
        self.codecs: weakref.WeakSet[CallingCodec] = weakref.WeakSet()

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
            self.connector, transport, limits, follow=describe, unary=not streams
        )
        once = self.describer.once
        self._injvm = None if here is None else InjvmInvoker(here, settings.application, once)
        self.end: Invoker = self._injvm or (
            UnaryInvoker(transport, settings, once) if unary else RemoteInvoker(self.connector)
        )
        # Calls that hand over callbacks have an inner end of their own.
        self.callbacks: CallbackInvoker | NoCallbacks = (
            CallbackInvoker(self.connector, runner, callbacks) if streams else NoCallbacks(self.end)
        )

        # And so have calls with streams of values.
        self.streams: StreamInvoker | NoStreams
        if self._injvm is not None:
            self.streams = InjvmStreams(self.connector, self._injvm)
        else:
            self.streams = StreamInvoker(self.connector) if streams else NoStreams()

    async def close(self, grace: float) -> None:
        """Let calls under way end, at most ``grace`` seconds, and hang up."""
        self.describer.close()
        if self._injvm is not None:
            await self._injvm.close(grace)
        await asyncio.gather(self.connector.close(grace), self.transport.close(grace))
        self.callbacks.close()
