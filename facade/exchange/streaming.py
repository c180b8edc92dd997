"""One call with streams, at the end that makes it."""

import asyncio
from typing import Any, Protocol

from facade.codec import Payload, StreamCodec
from facade.core.errors import DeadlineExceeded, InvalidArgument, RpcError, Sent, Status
from facade.core.invocation import Attachments, Invocation
from facade.core.result import Result
from facade.exchange.envelope import Envelope, fill_item, is_empty, read_item, read_result
from facade.exchange.items import Credit, Inbox, ItemStream, pour
from facade.exchange.limits import Limits
from facade.exchange.pending import Part, PendingCall, unexpected_stream


class Calls(Protocol):
    """What carries it: see Multiplexer."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def limits(self) -> Limits: ...
    def begin(self, invocation: Invocation, payload: Payload, waiter: Any) -> PendingCall: ...
    def send(self, envelope: bytes, part: Part) -> None: ...
    def leave(self, call: PendingCall) -> None: ...
    def cancel(self, call: PendingCall) -> None: ...


class StreamedCall:
    """Sends the call, then the values of its streams, and takes those that come back.

    It is what waits for the answer: see ``Waiter``.
    """

    def __init__(
        self, calls: Calls, invocation: Invocation, payload: Payload, streams: dict[int, Any]
    ) -> None:
        codec: StreamCodec = invocation.codec
        self._calls = calls
        self._codec = codec
        self._invocation = invocation
        self._encoding = payload[0]
        # What came of it; None where that is a stream. It must not be held here, or nobody
        # would notice that its reader has let go of it.
        self._opened: asyncio.Future[Result | None] = calls.loop.create_future()
        self._ended = False
        self._pending: PendingCall | None = None
        self._part: Part | None = None
        self._id = 0
        self._attachments: Attachments = {}
        self._inbox: Inbox | None = None
        self._credits = {index: Credit() for index in streams}
        if codec.items is not None:
            self._inbox = Inbox(codec.items.decode_result, self._grant, self._leave)
        self._pending = calls.begin(invocation, payload, self)
        self._id = self._pending.id
        self._part = Part(self._pending)
        if self._inbox is not None:
            self._inbox.open()
        self._pours = [
            calls.loop.create_task(self._pour(index, stream), name="facade-pour")
            for index, stream in streams.items()
        ]

    async def result(self) -> Result:
        """What came of it; where that is a stream, as soon as the method has given it."""
        try:
            result = await self._opened
        except asyncio.CancelledError:
            self._leave()
            raise
        if result is not None:
            return result
        assert self._inbox is not None
        return Result(ItemStream(self._inbox), None, self._attachments)

    # What goes out

    async def _pour(self, index: int, stream: Any) -> None:
        encode = self._codec.encode_item

        def send(value: Any) -> int:
            return self._send_item(index, encode(index, value, self._encoding))

        try:
            error = await pour(stream, self._credits[index], send)
            if error is None:
                self._send_item(index, None)
        except Exception as unsendable:
            error = unsendable
        except (asyncio.CancelledError, KeyboardInterrupt) as left:
            # Unless the call is over, that is of what the stream itself waits for: it is told.
            what = f"a stream among its arguments ended with {type(left).__name__}"
            self._broken(RpcError(f"{self._invocation}: {what}", status=Status.CANCELLED))
            raise
        if error is not None:
            self._broken(error)

    def _send_item(self, index: int, payload: Payload | None) -> int:
        envelope = Envelope(id=self._id)
        size = fill_item(envelope.item, payload, index)
        self._send(envelope)
        return size

    def _grant(self, items: int, bytes: int) -> None:
        if not self._ended:
            envelope = Envelope(id=self._id)
            envelope.credit.items = items
            envelope.credit.bytes = bytes
            self._send(envelope)

    def _send(self, envelope: Any) -> None:
        assert self._part is not None
        self._calls.send(envelope.SerializeToString(), self._part)

    # What comes in

    def item(self, wire: Any) -> None:
        """Raises ValueError for what was not asked for."""
        if self._inbox is None:
            self._broken(unexpected_stream(self._invocation))
            return
        payload, size = read_item(wire)
        if payload is not None:
            self._inbox.put(payload, size)
        self._open()

    def credit(self, wire: Any) -> None:
        credit = self._credits.get(wire.argument)
        if credit is not None:
            credit.grant(wire.items, wire.bytes)

    def _open(self) -> None:
        if not self._opened.done():
            self._opened.set_result(None)

    def done(self) -> bool:
        return self._ended

    def set_result(self, wire: Any) -> None:
        """The call ended. What it gave besides its values is here now."""
        self._end_pours()
        try:
            payload, result = read_result(wire, self._invocation, self._calls.limits)
            if payload is not None and self._inbox is None:
                result.value = self._codec.decode_result(payload)
            elif payload is not None and not (self._opened.done() or is_empty(payload)):
                raise InvalidArgument(
                    f"{self._invocation} gives a plain value, and no stream: the interfaces "
                    "differ (and without one, such a method is called by invoke())"
                )
        except RpcError as error:
            self._failed(error)
            return
        if self._inbox is None or (result.exception is not None and not self._opened.done()):
            if not self._opened.done():
                self._opened.set_result(result)
            return
        self._attachments.update(result.attachments)
        self._inbox.end(result.exception)
        self._open()

    def set_exception(self, error: BaseException) -> None:
        self._end_pours()
        if isinstance(error, DeadlineExceeded) and self._pending is not None:
            self._calls.cancel(self._pending)  # or it would wait for credit for ever
        self._failed(error)

    def _failed(self, error: BaseException) -> None:
        if not self._opened.done():
            self._opened.set_exception(error)
            self._opened.exception()  # its caller may have left
        if self._inbox is not None:
            self._inbox.end(error)

    def _end_pours(self) -> None:
        self._ended = True
        for task in self._pours:
            if task is not asyncio.current_task():
                task.cancel()

    # What ends it early

    def _leave(self) -> None:
        """Nobody reads on, or waits for it."""
        self._end_pours()
        if self._pending is not None:
            self._calls.leave(self._pending)

    def _broken(self, error: BaseException) -> None:
        """A stream that we were to send has failed: so does the call."""
        if not self._ended:
            if isinstance(error, RpcError):
                error.sent = Sent.MAYBE_EXECUTED  # whatever it says of a call of its own
            self._leave()
            self._failed(error)
