"""The answering role for unary calls."""

import asyncio
from time import monotonic
from typing import Any

from facade.core.cancellation import of_this_task
from facade.core.errors import Code, LimitExceeded, RpcError, Sent, Status, Unavailable
from facade.exchange.answering import (
    Channels,
    Exports,
    Peer,
    answer,
    failed,
    log_oneway,
    log_swallowed,
    read_call,
)
from facade.exchange.envelope import WireInvocation, WireResult, parse
from facade.exchange.limits import DEFAULT, Limits
from facade.exchange.room import Room
from facade.provider.ending import let_end


def nearly(timeout: float) -> float:
    """A call of which so many seconds are left here, or less, has run out of time at its caller.

    His time began before we heard of it, and gRPC tells it rounded up, by 1 % at most.
    """
    return min(0.1 + 0.01 * timeout, timeout / 2)


class UnaryCalls:
    """Answers ``Invoke``. A call is a task of its own: it outlives a caller whose time is up."""

    def __init__(
        self,
        exports: Exports,
        max_message_size: int,
        limits: Limits = DEFAULT,
        room: Room | None = None,
    ) -> None:
        self._exports = exports
        self._max_message_size = max_message_size
        self._limits = limits
        self._tasks: set[asyncio.Task[Any]] = set()
        # Calls within the process take no place.
        self._share = (room or Room(0)).share(self._tasks.__len__)
        self._stopping = ""
        self.local_address = ""

    async def invoke(
        self,
        request: bytes,
        peer: str,
        time_left: float | None,
        identity: Any = None,
    ) -> bytes:
        """Answer one call. Raises RpcError for bytes that are no invocation."""
        received = monotonic()
        try:
            wire = parse(request, WireInvocation)
        except ValueError as error:
            raise RpcError(
                str(error), code=Code.SERIALIZATION, status=Status.INVALID_ARGUMENT
            ) from None
        if time_left is not None:
            left = max(1, int(time_left * 1_000_000))
            wire.time_left_us = min(left, wire.time_left_us or left)
        caller = Peer(peer, self.local_address, identity)
        caller.limits = self._limits
        result = await self.serve(wire, received, caller, time_left)
        data: bytes = result.SerializeToString()
        if len(data) > self._max_message_size:
            data = _failed(self._too_large(wire, len(data))).SerializeToString()
        return data

    async def serve(
        self,
        wire: Any,
        received: float,
        peer: Peer,
        time_left: float | None = None,
        channels: Channels | None = None,
    ) -> Any:
        """Answer one call with a Result message. A caller who leaves takes it with him, unless
        ``time_left`` is over: then it is left to end. ``channels`` have its streams."""
        if self._stopping:
            raise Unavailable(self._stopping, sent=Sent.NOT_EXECUTED)
        if self._share.full():
            return _failed(self._share.refusal(f"{wire.service}.{wire.method}"))
        task = asyncio.create_task(self._answer(wire, received, peer, channels), name="facade-call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if wire.oneway:
            return WireResult()
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                return _failed(self._why_cancelled(wire))
            # gRPC cancels for both: a caller who left, and one whose time is up.
            if time_left is None or monotonic() - received < time_left - nearly(time_left):
                task.cancel()
            raise

    async def _answer(
        self, wire: Any, received: float, peer: Peer, channels: Channels | None
    ) -> Any:
        call, payload = read_call(wire, received, peer)
        try:
            envelope, _ = await answer(self._exports, call, payload, peer, channels)
        except asyncio.CancelledError:
            if wire.oneway:
                cancelled = _failed(self._why_cancelled(wire))
                log_oneway(self._exports, wire.service, wire.method, cancelled)
            raise
        if of_this_task():
            log_swallowed(self._exports, call)
        if envelope is None:
            return WireResult()
        if wire.oneway:
            log_oneway(self._exports, wire.service, wire.method, envelope.result)
        return envelope.result

    def _why_cancelled(self, wire: Any) -> RpcError:
        if self._stopping:
            return Unavailable(f"{wire.service}.{wire.method}: {self._stopping}")
        what = f"{wire.service}.{wire.method} was cancelled at the provider"
        return RpcError(what, status=Status.CANCELLED)

    def _too_large(self, wire: Any, size: int) -> LimitExceeded:
        return LimitExceeded(
            f"the answer of {wire.service}.{wire.method} has {size} bytes, more than the "
            f"{self._max_message_size} that one message may have: raise max_message_size at "
            "both ends, or return less"
        )

    async def drain(self, reason: str, grace: float) -> None:
        """Let the calls under way end for ``grace`` seconds, then end them."""
        self._stopping = reason

        def overdue() -> None:
            self._stopping = f"{reason}, and the call had not ended after {grace:g} s"

        await let_end(self._tasks, grace, overdue)


def _failed(error: RpcError) -> Any:
    return failed(0, error).result
