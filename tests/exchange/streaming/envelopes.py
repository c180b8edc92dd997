"""A service whose methods have streams, and the envelopes of its calls."""

from collections.abc import AsyncIterator

import facade
from facade.codec import encode_plain
from facade.exchange.envelope import Envelope


@facade.service("exchange.Worker")
class Streamer:
    def upper(self, words: AsyncIterator[str]) -> AsyncIterator[str]: ...
    async def join(self, words: AsyncIterator[str]) -> str: ...
    def fill(self, size: int) -> AsyncIterator[bytes]: ...
    def stubborn(self) -> AsyncIterator[int]: ...


def call(id, method, *arguments):
    envelope = Envelope(id=id)
    envelope.invocation.service = "exchange.Worker"
    envelope.invocation.method = method
    envelope.invocation.msgpack = encode_plain(arguments)
    return envelope


def item(id, value=None, *, end=False, argument=0):
    envelope = Envelope(id=id)
    envelope.item.end = end
    envelope.item.argument = argument
    if value is not None:
        envelope.item.msgpack = encode_plain(value)
    return envelope


def credit(id, items=10, bytes=0, argument=0):
    envelope = Envelope(id=id)
    envelope.credit.argument = argument
    envelope.credit.items = items
    envelope.credit.bytes = bytes
    return envelope


async def receive(hand, kind):
    """The next envelope, which is of that kind."""
    envelope = await hand.receive()
    assert envelope is not None
    assert envelope.WhichOneof("kind") == kind, envelope
    return getattr(envelope, kind)
