"""The inner end of the consumer's chain: what sends a call and reads its answer."""

import asyncio
from asyncio import get_running_loop
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from facade.codec import CallingCodec, Payload
from facade.consumer.connections import Connections
from facade.core.context import override
from facade.core.errors import (
    DeadlineExceeded,
    LimitExceeded,
    RpcError,
    Sent,
    Status,
    Unavailable,
)
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.switch import SENT
from facade.exchange.calling import post
from facade.exchange.envelope import (
    WireInvocation,
    WireResult,
    fill_invocation,
    parse,
    read_result,
)
from facade.exchange.limits import Limits
from facade.exchange.overdue import out_of_time, time_left, timeout_text
from facade.exchange.settings import Settings
from facade.exchange.transport import Transport

if TYPE_CHECKING:
    from facade.exchange.metadata import Pairs


class RemoteInvoker:
    """Sends calls over the Exchange stream. (Dubbo: DubboInvoker)"""

    def __init__(self, connector: Connections, limits: Limits) -> None:
        self._connector = connector
        self._limits = limits

    @property
    def available(self) -> bool:
        return self._connector.available

    async def invoke(self, invocation: Invocation) -> Result:
        override(invocation)
        codec: CallingCodec = invocation.codec
        payload = codec.encode_arguments(invocation.arguments, invocation.keywords)
        if invocation.countdown is None:
            invocation.start_countdown()
        connection = self._connector.current
        loop = get_running_loop()
        if connection is None or not connection.usable or connection.calls.loop is not loop:
            connection = await self._connector.connect(invocation)
        calls = connection.calls
        invocation.remote_address = calls.remote_address
        if invocation.oneway:
            if invocation.attachments.get(SENT) == "true":
                return await post(calls, invocation, payload)
            return calls.tell(invocation, payload)
        future = loop.create_future()
        call = calls.begin(invocation, payload, future)
        try:
            wire = await future
        except asyncio.CancelledError:
            calls.give_up(call)
            raise
        answer, result = read_result(wire, invocation, self._limits)
        if answer is not None:
            result.value = codec.decode_result(answer)
        return result

    def __repr__(self) -> str:
        return f"RemoteInvoker({self._connector.target!r})"


class Exchanges(Protocol):
    """What carries the calls of threads: see ``Engine``."""

    def call(self, invoker: Any, invocation: Invocation) -> Result: ...
    def exchange(self, connector: Any, invocation: Invocation, payload: Payload) -> Any: ...


class ThreadInvoker(RemoteInvoker):
    """RemoteInvoker for a thread without a loop: it encodes, waits, and decodes on that thread.

    Its coroutine never waits for a loop: one ``send`` runs it to its end. (Dubbo:
    ThreadlessExecutor)
    """

    def __init__(self, connector: Connections, limits: Limits, engine: Exchanges) -> None:
        super().__init__(connector, limits)
        self._engine = engine

    async def invoke(self, invocation: Invocation) -> Result:
        override(invocation)
        if invocation.oneway and invocation.attachments.get(SENT) == "true":
            return self._engine.call(RemoteInvoker(self._connector, self._limits), invocation)
        codec: CallingCodec = invocation.codec
        payload = codec.encode_arguments(invocation.arguments, invocation.keywords)
        if invocation.countdown is None:
            invocation.start_countdown()
        wire = self._engine.exchange(self._connector, invocation, payload)
        if wire is None:
            return Result()
        answer, result = read_result(wire, invocation, self._limits)
        if answer is not None:
            result.value = codec.decode_result(answer)
        return result


class UnaryInvoker:
    """Sends each call as a unary gRPC call of its own: slower, and goes where streams cannot."""

    def __init__(
        self, transport: Transport, settings: Settings, called: Callable[[], None] = lambda: None
    ) -> None:
        self._called = called
        self._transport = transport
        self._max_message_size = settings.max_message_size
        self._application = settings.application
        self._limits = settings.limits

    @property
    def available(self) -> bool:
        return self._transport.available

    async def invoke(self, invocation: Invocation) -> Result:
        override(invocation)
        codec: CallingCodec = invocation.codec
        wire = WireInvocation()
        if invocation.countdown is None:
            invocation.start_countdown()
        self._called()
        shown = await self._transport.shown(time_left(invocation.countdown))
        left = time_left(invocation.countdown)
        if left is not None and left <= 0:
            raise out_of_time(invocation, self._transport.target)
        told = left if invocation.in_countdown else None
        payload = codec.encode_arguments(invocation.arguments, invocation.keywords)
        fill_invocation(wire, invocation, payload, told)
        if self._application:  # a stream tells it once
            wire.attachments["remote.application"] = self._application
        request = wire.SerializeToString()
        if len(request) > self._max_message_size:
            raise LimitExceeded(
                f"{invocation} has {len(request)} bytes, more than max_message_size "
                f"({self._max_message_size}): raise it at both ends, or send less",
                sent=Sent.NOT_SENT,
            )
        invocation.remote_address = self._transport.target
        answer = parse(await self._exchange(request, invocation, left, shown), WireResult)
        if invocation.oneway:
            return Result()
        content, result = read_result(answer, invocation, self._limits)
        if content is not None:
            result.value = codec.decode_result(content)
        return result

    async def _exchange(
        self, request: bytes, invocation: Invocation, left: float | None, shown: "Pairs"
    ) -> bytes:
        started = monotonic()
        try:
            if invocation.in_countdown:
                return await self._transport.invoke(request, left, shown)
            # gRPC's deadline would tell the provider.
            return await asyncio.wait_for(self._transport.invoke(request, None, shown), left)
        except (RpcError, TimeoutError) as error:
            # gRPC reports a late call as CANCELLED now and then: our own clock decides.
            late = not isinstance(error, RpcError) or error.status in (
                Status.DEADLINE_EXCEEDED,
                Status.CANCELLED,
            )
            if late and left is not None and monotonic() - started >= left * 0.9:
                raise DeadlineExceeded(
                    timeout_text(invocation, started, started, self._transport.target)
                ) from None
            if isinstance(error, RpcError) and error.status is Status.CANCELLED:
                # A server that stops cancels what it has; a method that does so itself answers it.
                raise Unavailable(
                    f"{invocation}: {self._transport.target} ended the call", remote=True
                ) from None
            raise

    def __repr__(self) -> str:
        return f"UnaryInvoker({self._transport.target!r})"
