"""The chains of one list of filters: one for each inner end that a client has."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from facade.codec import CallingCodec, GenericStreamCodec, StreamCodec
from facade.core.chain import chain
from facade.core.filter import Filter, Invoker
from facade.exchange.reference import CallbackCodec


class Ends(NamedTuple):
    """What sends the calls of a client: plain ones, those that hand over callbacks, those that
    have streams, and, for filters that need no event loop, those of threads."""

    plain: Invoker
    callbacks: Invoker
    streams: Invoker
    thread: Invoker | None = None


class Chains:
    """A chain to each of the ends."""

    __slots__ = ("_with_callbacks", "_with_streams", "on_thread", "plain")

    def __init__(
        self,
        filters: Sequence[Filter],
        ends: Ends,
        around: Callable[[Invoker], Invoker] = lambda invoker: invoker,
    ) -> None:
        """``around`` puts something around each chain."""
        self.plain = around(chain(filters, ends.plain))
        self._with_callbacks = around(chain(filters, ends.callbacks))
        self._with_streams = around(chain(filters, ends.streams))
        needs_loop = any(filter.needs_loop for filter in filters)
        self.on_thread = None if ends.thread is None or needs_loop else chain(filters, ends.thread)

    def of(self, codec: CallingCodec) -> Invoker:
        """For the method that has this codec."""
        if isinstance(codec, StreamCodec | GenericStreamCodec):
            return self._with_streams
        return self._with_callbacks if isinstance(codec, CallbackCodec) else self.plain
