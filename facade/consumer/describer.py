"""Asks a provider what it exports: for who wants to know, and for the timeouts it publishes."""

import asyncio
from contextvars import Context
from time import monotonic

from facade.consumer.connections import Connections
from facade.consumer.limit import Publishes
from facade.core.errors import Code, DeadlineExceeded, RpcError, Status, Unavailable, Unimplemented
from facade.core.log import get_logger
from facade.exchange.description import ProviderDescription, read_description, request_bytes
from facade.exchange.stream import ConsumerStream
from facade.exchange.transport import Transport

logger = get_logger(__name__)

# Seconds that a provider has to tell what it publishes. No call waits for it.
PATIENCE = 10.0


class Describer:
    """After each connect it asks in the background. A failure hurts nobody: the timeouts that
    were known stay."""

    def __init__(
        self,
        connections: Connections,
        transport: Transport,
        limits: Publishes,
        *,
        follow: bool,
        unary: bool,
    ) -> None:
        self._connections = connections
        self._transport = transport
        self._target = transport.target
        self._limits = limits
        self._unary = unary
        self._follows = follow
        self._asking: asyncio.Task[None] | None = None

    def connected(self, stream: ConsumerStream) -> None:
        """There is a new stream: ask beside it."""
        if self._follows:
            self._ask(stream)

    def once(self) -> None:
        """Ask if nobody has, where there is no connect to wait for: at a unary call."""
        if self._follows and self._asking is None:
            self._ask(None)

    def _ask(self, stream: ConsumerStream | None) -> None:
        self.close()  # an older connection's answer is of no interest
        self._asking = asyncio.get_running_loop().create_task(
            self._learn(stream), name="facade-describe", context=Context()
        )
        self._asking.add_done_callback(self._asked)

    def _asked(self, asking: asyncio.Task[None]) -> None:
        if asking.cancelled() and asking is self._asking:
            self._asking = None  # its loop has ended: the next one is to ask

    def close(self) -> None:
        asking = self._asking
        if asking is not None and not asking.get_loop().is_closed():
            asking.cancel()

    async def _learn(self, stream: ConsumerStream | None) -> None:
        target = self._target
        try:
            source = self._transport if stream is None else stream
            answer = await source.describe(request_bytes("", "", ""), PATIENCE)
            self._limits.publish(read_description(answer).services)
        except Unimplemented as error:
            self._limits.publish(())
            logger.debug("%s publishes nothing: %s", target, error)
        except (RpcError, ValueError) as error:
            logger.debug("what %s publishes is not known: %s", target, error)
            if self._unary and isinstance(error, (Unavailable, DeadlineExceeded)):
                self._asking = None  # the next call may find it there
        except Exception:
            logger.exception("a bug keeps what %s publishes unknown", target)

    async def ready(self, timeout: float) -> None:
        until = monotonic() + timeout
        if self._unary:
            await self._reach(timeout)
            self.once()
        else:
            await self._connections.ready(timeout, "ready()")
        asking = self._asking
        if asking is not None and asking.get_loop() is asyncio.get_running_loop():
            await asyncio.wait((asking,), timeout=max(0.0, until - monotonic()))

    async def _reach(self, timeout: float) -> None:
        """Any answer shows that the provider is there."""
        try:
            await self.describe(timeout, "-", "", "")
        except Unimplemented:
            pass
        except DeadlineExceeded as error:
            raise Unavailable(
                f"ready(): no connection to {self._target} within {timeout:g} s"
            ) from error

    async def describe(
        self, timeout: float, service: str, group: str, version: str
    ) -> ProviderDescription:
        request = request_bytes(service, group, version)
        if self._unary:
            answer = await self._transport.describe(request, timeout)
        else:
            until = monotonic() + timeout
            await self._connections.ready(timeout, "describe()")
            stream = self._connections.stream
            if stream is None:
                raise Unavailable(f"describe(): the connection to {self._target} was lost")
            answer = await stream.describe(request, max(0.001, until - monotonic()))
        try:
            return read_description(answer)
        except ValueError as error:
            raise RpcError(
                f"{self._target} answered with no description: {error}",
                code=Code.SERIALIZATION,
                status=Status.INTERNAL,
                remote=True,
            ) from None
