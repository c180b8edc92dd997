"""One call with streams within the process, between two event loops or on one.

How it works. The caller's half is what sends a call over a connection else: see ``StreamedCall``.
Its envelopes are handed over to the loop of the provider, and back, in the order in which they
were sent; so values are copied and held back as over a network.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from facade.codec import Payload
from facade.core.errors import DeadlineExceeded, RpcError, Status, Unavailable
from facade.core.invocation import Invocation
from facade.exchange.answering import Channels
from facade.exchange.channel import Channel
from facade.exchange.envelope import Envelope, WireInvocation, fill_invocation
from facade.exchange.limits import DEFAULT
from facade.exchange.overdue import timeout_text
from facade.exchange.pending import Part, PendingCall

# Given the message and who has the streams, the future of the answer.
Start = Callable[[Any, Channels], asyncio.Future[Any]]


class Line:
    """What StreamedCall sends over, and where the provider finds the streams."""

    limits = DEFAULT

    def __init__(
        self,
        start: Start,
        there: asyncio.AbstractEventLoop,
        cancelled: Callable[[Invocation], Unavailable],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self._start = start
        self._there = there
        self._cancelled = cancelled
        self._channel: Channel | None = None
        self._waiter: Any = None
        self._invocation: Any = None
        self._answer: asyncio.Future[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None

    # At the caller's end

    def begin(self, invocation: Invocation, payload: Payload, waiter: Any) -> PendingCall:
        """Make the call: see Multiplexer.begin."""
        started = monotonic()
        countdown = invocation.countdown
        left = None if countdown is None else countdown.remaining
        call = PendingCall(waiter, invocation, started, None)
        if left is not None and left <= 0:
            raise self._timeout(call)
        wire = WireInvocation()
        fill_invocation(wire, invocation, payload, left if invocation.in_countdown else None)
        self._waiter, self._invocation = waiter, invocation
        self._answer = self._start(wire, self)
        call.sent_at = started
        self._answer.add_done_callback(self._answered)
        if left is not None:
            self._timer = self.loop.call_later(left, self._expire, call)
        return call

    def send(self, envelope: bytes, part: Part) -> None:
        self._hand_over(self._there, self._arrive, envelope)

    def leave(self, call: PendingCall) -> None:
        self.cancel(call)

    def cancel(self, call: PendingCall) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._answer is not None:
            self._answer.cancel()

    def _expire(self, call: PendingCall) -> None:
        if not self._waiter.done():
            self._waiter.set_exception(self._timeout(call))

    def _timeout(self, call: PendingCall) -> DeadlineExceeded:
        text = timeout_text(
            call.invocation, call.started, call.sent_at, call.invocation.remote_address
        )
        return DeadlineExceeded(text, sent=call.sent)

    def _answered(self, answer: asyncio.Future[Any]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._hand_over(self._there, self._close)
        error = None if answer.cancelled() else answer.exception()
        if self._waiter.done():
            return
        if answer.cancelled():
            self._waiter.set_exception(self._cancelled(self._invocation))
        elif error is not None:
            self._waiter.set_exception(error)
        else:
            self._waiter.set_result(answer.result())

    def _come_back(self, data: bytes) -> None:
        envelope = Envelope.FromString(data)
        if self._waiter.done():
            return
        if envelope.WhichOneof("kind") == "item":
            self._waiter.item(envelope.item)
        else:
            self._waiter.credit(envelope.credit)

    # At the provider's end

    def channel(self, id: int) -> Channel:
        """The streams of the call. Credit for it may come before it has begun to run."""
        if self._channel is None:
            self._channel = Channel(id, self._send_back)
        return self._channel

    def _send_back(self, envelope: bytes) -> None:
        self._hand_over(self.loop, self._come_back, envelope)

    def _arrive(self, data: bytes) -> None:
        envelope = Envelope.FromString(data)
        if envelope.WhichOneof("kind") == "item":
            self.channel(0).item(envelope.item)
        else:
            self.channel(0).credit(envelope.credit)

    def _close(self) -> None:
        if self._channel is not None:
            self._channel.close(RpcError("the call is over", status=Status.CANCELLED))

    @staticmethod
    def _hand_over(
        loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: Any
    ) -> None:
        with suppress(RuntimeError):  # that loop is closed: nobody is there
            loop.call_soon_threadsafe(function, *arguments)
