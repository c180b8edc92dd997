"""The calling role on a connection: a number for each call, and a parked future."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

from facade.codec import Payload
from facade.core.errors import (
    DeadlineExceeded,
    LimitExceeded,
    RpcError,
    Sent,
    Unavailable,
)
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.exchange.assembly import Assembly
from facade.exchange.bulk import Bulk, Large
from facade.exchange.envelope import Envelope, WireResult, fill_invocation
from facade.exchange.inflight import InFlight
from facade.exchange.limits import DEFAULT
from facade.exchange.outbox import Sendable
from facade.exchange.overdue import log_late, out_of_time, timeout_text
from facade.exchange.pending import Part, PendingCall, Post, Send, Waiter, unexpected_stream
from facade.exchange.splice import LONG, before
from facade.v1.invocation_pb2 import EXECUTION_NOT_STARTED

# Of how many calls that nobody waits for it is kept who is told of a refusal.
MOST_GIVEN_UP = 1000


class Multiplexer:
    """Sends invocations and gives each its answer. All times are seconds of ``monotonic``."""

    def __init__(self, send: Send, *, opened: bool, remote_address: str) -> None:
        self._send: Send = send
        self.loop = asyncio.get_running_loop()
        self._calls: InFlight[PendingCall] = InFlight(even=not opened)
        self._waiting = self._calls.calls
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        # A timer of one call serves others: it must not keep what surrounds the call alive.
        self._timer_context = contextvars.Context()
        self.remote_address = remote_address
        # How large an envelope may be, and up to which size it is sent whole.
        self.max_message_bytes = self.whole_bytes = 0
        self.bulk = Bulk()
        # Where answers that come in chunks are put together.
        self.assembly = Assembly(0)
        # What is taken of the peer's answers.
        self.limits = DEFAULT
        self.idle: Callable[[], None] = lambda: None
        # Answers that came when nobody waited any more.
        self.late = 0
        # The streams that were left last.
        self._left: deque[int] = deque(maxlen=1000)
        # Who is told that a call was refused, though nobody waits for it any more.
        self._when_refused: dict[int, Callable[[Sent], None]] = {}
        # Oneway calls that are being written, for callers who wait until they are.
        self.posted: list[PendingCall] = []
        self._post = partial(Post, self.posted)

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def last(self) -> int:
        """The id of the newest call."""
        return self._calls.last

    def begin(
        self,
        invocation: Invocation,
        payload: Payload,
        waiter: Waiter,
        make: Callable[..., PendingCall] = PendingCall,
    ) -> PendingCall:
        """Send it. The waiter is given the Result message of the wire, or DeadlineExceeded, or
        Unavailable when the connection ends. Who stops waiting calls ``give_up``."""
        started = monotonic()
        countdown = invocation.countdown
        if countdown is None:
            deadline = left = None
        else:
            deadline = countdown.deadline
            left = deadline - started
        call = make(waiter, invocation, started, deadline)
        if left is not None and left <= 0:
            raise self._timeout(call)
        envelope = Envelope()
        told = left if invocation.in_countdown else None
        encoding, content = payload
        long = type(content) is bytes and len(content) >= LONG
        fill_invocation(envelope.invocation, invocation, (encoding, b"") if long else payload, told)
        call.id = envelope.id = self._calls.open(call)
        sendable: Sendable | None = call
        if long:
            head = before(envelope, "invocation", encoding, len(content))
            data, sendable = self._cut(call, head, content)
        else:
            data = envelope.SerializeToString()
            if len(data) > self.whole_bytes:
                data, sendable = self._cut(call, b"", data)
        if deadline is not None and (self._timer is None or deadline < self._timer_at):
            self._arm()
        self._send(data, sendable, len(self._waiting) == 1)
        return call

    def _cut(self, call: PendingCall, head: bytes, content: bytes) -> tuple[bytes, Sendable | None]:
        """What to send at once of a large call, with what stands before its content. LimitExceeded
        where it is too large."""
        size = len(head) + len(content)
        if size > self.max_message_bytes:
            self._calls.close(call.id)
            raise self._too_large(call.invocation, size)
        # Of some something follows, or is told, that must not be ahead.
        follows = type(call) is not PendingCall or hasattr(call.waiter, "credit")
        if size <= self.whole_bytes or follows:
            return head + content, call
        return self.bulk.cut(call.id, head, content, call)

    def give_up(self, call: PendingCall) -> None:
        """The caller no longer waits."""
        if self._calls.close(call.id) is None:
            return  # it was answered, or its time was up
        self.cancel(call)
        if not self._calls:
            self.idle()

    def leave(self, call: PendingCall) -> None:
        """Its reader left a stream, as readers do: that it ends on its own is no late answer."""
        self._left.append(call.id)
        self.give_up(call)

    def cancel(self, call: PendingCall) -> None:
        """Take back what was not sent yet, and tell the other end to stop where it has begun."""
        call.dropped = True
        if call.sent_at is not None and not call.invocation.oneway:
            self.assembly.discard(call.id)
            envelope = Envelope(id=call.id)
            envelope.cancel.reason = "the caller no longer waits"
            self._send(envelope.SerializeToString())

    def send(self, envelope: bytes, part: Part) -> None:
        """Something about a call that is under way: a value of a stream, or credit for such.

        LimitExceeded for what is too large.
        """
        if len(envelope) > self.max_message_bytes:
            raise LimitExceeded(
                f"{part.call.invocation}: a value of a stream has {len(envelope)} bytes, more "
                f"than the {self.max_message_bytes} that one message may have: raise "
                "max_message_size at both ends, or send smaller ones"
            )
        self._send(envelope, part)

    def item(self, id: int, wire: Any) -> None:
        """A value of a stream came. ValueError where there is none."""
        call = self._streamed(id)
        if call is not None:
            call.item(wire)

    def credit(self, id: int, wire: Any) -> None:
        """More values of a stream may go. ValueError where there is none."""
        call = self._streamed(id)
        if call is not None:
            call.credit(wire)

    def _streamed(self, id: int) -> Any:
        """None where it has ended: what was on its way then is of no use."""
        call = self._calls.get(id)
        if call is None:
            if not self._calls.was_used(id):
                raise ValueError(f"{id} is no call")
            return None
        if not hasattr(call.waiter, "credit"):
            self.give_up(call)
            self._fail(call, unexpected_stream(call.invocation))
            return None
        return call.waiter

    def pending(self) -> list[PendingCall]:
        """The calls that wait for an answer, oldest first."""
        return self._calls.all()

    def drop(self, call: PendingCall, reason: str) -> None:
        """Give a call up, and tell who waits for it."""
        self.give_up(call)
        self._fail(call, Unavailable(f"{call.invocation}: {reason}", sent=call.sent))

    def post(self, invocation: Invocation, payload: Payload, waiter: Waiter) -> PendingCall:
        """Send a oneway call. The waiter is given None once it is written, or an error as by
        ``begin``."""
        return self.begin(invocation, payload, waiter, self._post)

    def written(self) -> None:
        """All that was taken to be written so far has been."""
        for call in self.posted:
            if self._calls.close(call.id) is not None and not call.waiter.done():
                call.waiter.set_result(None)
        self.posted.clear()
        if not self._calls:
            self.idle()

    def tell(self, invocation: Invocation, payload: Payload) -> Result:
        """Send it and expect nothing. Its id is used up all the same."""
        envelope = Envelope()
        countdown = invocation.countdown
        told = countdown if invocation.in_countdown else None
        left = told.remaining if told is not None else None
        if left is not None and left <= 0:
            raise out_of_time(invocation, self.remote_address)
        fill_invocation(envelope.invocation, invocation, payload, left)
        envelope.id = self._calls.take_id()
        data = envelope.SerializeToString()
        if len(data) > self.max_message_bytes:
            raise self._too_large(invocation, len(data))
        if len(data) > self.whole_bytes:
            self._send(*self.bulk.cut(envelope.id, b"", data, None))
        else:
            self._send(data)
        return Result()

    def _too_large(self, invocation: Invocation, size: int) -> LimitExceeded:
        return LimitExceeded(
            f"{invocation} has {size} bytes, more than the {self.max_message_bytes} that one "
            "message may have: raise max_message_size at both ends, or send less",
            sent=Sent.NOT_SENT,
        )

    def reserve(self, id: int) -> bool:
        """The first part of an answer came. Whether somebody waits for it."""
        if id not in self._waiting:
            self.resolve(id, WireResult())
        return id in self._waiting

    def resolve(self, id: int, result: Any) -> None:
        """An answer came."""
        call = self._waiting.pop(id, None)
        if call is None:
            if id in self._left:
                return
            self.late += 1
            if id in self._when_refused:
                self._tell_if_refused(id, result)
            log_late(id, result, self.remote_address)
            return
        if not call.waiter.done():
            call.waiter.set_result(result)
        if not self._waiting:
            self.idle()

    def when_refused(self, call: PendingCall, tell: Callable[[Sent], None]) -> None:
        """Nobody waits for its answer any more: ``tell`` should that say that it was not
        executed. Of those to which no answer comes the last are kept."""
        if len(self._when_refused) >= MOST_GIVEN_UP:
            del self._when_refused[next(iter(self._when_refused))]
        self._when_refused[call.id] = tell

    def _tell_if_refused(self, id: int, result: Any) -> None:
        tell = self._when_refused.pop(id)
        if result.error.execution == EXECUTION_NOT_STARTED:
            tell(Sent.NOT_EXECUTED)

    def refuse(self, id: int, error: RpcError) -> None:
        """End one call with an error of this end."""
        call = self._calls.close(id)
        if call is not None:
            self._fail(call, error)

    def fail_all(self, reason: str, error: Callable[[str, Sent], RpcError]) -> None:
        """The connection ended: every call fails, and says whether it may have run."""
        if self._timer is not None:
            self._timer.cancel()
        self._send = partial(self._refuse_to_send, reason)
        for _, call in self._calls.close_all():
            self._fail(call, error(f"{call.invocation}: {reason}", call.sent))

    def _refuse_to_send(
        self, reason: str, envelope: bytes, call: Sendable | None = None, alone: bool = False
    ) -> None:
        """In the place of ``send`` once the connection has ended. (B7.9)"""
        if isinstance(call, (PendingCall, Large)):
            self._calls.close(call.id)
        raise Unavailable(f"nothing can be sent: {reason}", sent=Sent.NOT_SENT)

    def _fail(self, call: PendingCall, error: RpcError) -> None:
        call.dropped = True
        if not call.waiter.done():
            call.waiter.set_exception(error)

    # Time

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        at = self._calls.next_expiry()
        if at is None:
            self._timer = None
            return
        self._timer_at = at
        # The loop's clock need not be ours (uvloop's is not): hand it a delay.
        self._timer = self.loop.call_later(
            max(0.0, at - monotonic()), self._expire, context=self._timer_context
        )

    def _expire(self) -> None:
        self._timer = None
        for _, call in self._calls.expire(monotonic()):
            self._fail(call, self._timeout(call))
        self._arm()
        if not self._calls:
            self.idle()

    def _timeout(self, call: PendingCall) -> DeadlineExceeded:
        text = timeout_text(call.invocation, call.started, call.sent_at, self.remote_address)
        return DeadlineExceeded(text, sent=call.sent)
