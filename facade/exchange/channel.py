"""The streams of one call, at the end that answers it."""

from collections.abc import Callable
from typing import Any

from facade.codec import Payload, StreamCodec
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.stream import is_stream
from facade.exchange.envelope import Envelope, fill_item, read_item
from facade.exchange.items import Credit, Inbox, ItemStream, leave, pour


class Channel:
    """Takes the values of streamed arguments, and sends those of the result."""

    def __init__(self, id: int, send: Callable[[bytes], None]) -> None:
        self._id = id
        self._send = send
        self._credit = Credit()
        self._inboxes: dict[int, Inbox] = {}

    # What comes in

    def bind(self, invocation: Invocation, codec: StreamCodec) -> None:
        """Put streams where the call has its placeholders, and let their values come."""
        streams = {index: self._incoming(index, codec) for index in codec.streams}
        invocation.arguments, invocation.keywords = codec.put(
            invocation.arguments, invocation.keywords, streams
        )

    def _incoming(self, index: int, codec: StreamCodec) -> ItemStream:
        def decode(payload: Payload) -> Any:
            return codec.decode_item(index, payload)

        def grant(items: int, bytes: int) -> None:
            envelope = Envelope(id=self._id)
            credit = envelope.credit
            credit.argument, credit.items, credit.bytes = index, items, bytes
            self._send(envelope.SerializeToString())

        # Who reads no more grants no more, and the caller learns of it by the result.
        inbox = self._inboxes[index] = Inbox(decode, grant, lambda: None)
        inbox.open()
        return ItemStream(inbox)

    def item(self, wire: Any) -> None:
        """ValueError for what was not asked for."""
        inbox = self._inboxes.get(wire.argument)
        if inbox is None:
            raise ValueError(f"argument {wire.argument} of call {self._id} is no stream")
        payload, size = read_item(wire)
        if payload is not None:
            inbox.put(payload, size)
        if wire.end:
            inbox.end()

    # What goes out

    def credit(self, wire: Any) -> None:
        self._credit.grant(wire.items, wire.bytes)

    async def pour(self, outcome: Result, codec: StreamCodec, call: str) -> BaseException | None:
        """Send the values, in the encoding of the ``call``. What the stream raised, if it did.

        Raises RpcError for a value that can't be sent.
        """
        stream, outcome.value = outcome.value, None
        items = codec.items
        assert items is not None
        if not is_stream(stream):
            return TypeError(f"{codec.method} gave {type(stream).__name__}, and no stream")

        def send(value: Any) -> int:
            return self._item(items.encode(value, call))

        self._send(Envelope(id=self._id, item={}).SerializeToString())  # it is open
        try:
            return await pour(stream, self._credit, send)
        finally:
            await leave(stream)  # also where nobody ever asked for a value

    def _item(self, payload: Payload) -> int:
        envelope = Envelope(id=self._id)
        size = fill_item(envelope.item, payload)
        self._send(envelope.SerializeToString())
        return size

    def close(self, error: BaseException) -> None:
        """The call is over: whoever still reads its arguments is told."""
        for inbox in self._inboxes.values():
            inbox.end(error)
