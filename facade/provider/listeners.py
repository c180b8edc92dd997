"""The callbacks that the consumer at the other end of a stream lets us call.

How it works. A method gets a view: a function to call, or an object with methods. It leads
to a Handle, one for each callback. The stream knows its handles only weakly, so one that
nobody keeps is gone, and the consumer is told that he may forget the callable. A closure
that was given to one call goes after it, and nobody has to say so.
"""

import asyncio
import contextlib
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from facade.codec import MSGPACK, encode_plain
from facade.core.chain import chain
from facade.core.errors import LimitExceeded, Sent, Unavailable
from facade.core.filter import Filter, Invoker
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result
from facade.exchange.callbacks import RELEASE
from facade.exchange.calling import call
from facade.exchange.connection import Connection
from facade.exchange.reference import (
    INSTANCE,
    SERVICE,
    CallbackCodec,
    CallbackInterface,
    Reference,
)
from facade.provider.callback import view

logger = get_logger(__name__)


class Handle:
    """One callback. ``gone`` says why it can't be called any more, once it can't."""

    def __init__(self, stream: "Listeners", id: str) -> None:
        self.stream = stream
        self.id = id
        # How often its reference came.
        self.times = 0
        self.loop = stream.loop
        self.invoker = stream.invoker
        self.gone = ""
        self._view: Callable[[], Any] = lambda: None
        self._interface: CallbackInterface | None = None
        self._listening: list[Callable[[Any], object]] = []

    @property
    def available(self) -> bool:
        return not self.gone and self.stream.usable

    def view(self, interface: CallbackInterface) -> Any:
        """What the user gets: the same one as long as he keeps it."""
        seen = self._view()
        if seen is None or self._interface is None or self._interface.key != interface.key:
            seen = view(self, interface)
            self._view, self._interface = weakref.ref(seen), interface
        return seen

    def on_close(self, function: Callable[[Any], object]) -> None:
        self._listening.append(function)
        if self.gone:
            self._tell()

    def close(self, reason: str) -> None:
        self.gone = self.gone or reason
        self._tell()

    def _tell(self) -> None:
        while self._listening:
            function = self._listening.pop(0)
            try:
                assert self._interface is not None
                function(self.view(self._interface))
            except Exception:
                logger.exception("%r failed, which was to hear of a callback's end", function)

    def __del__(self) -> None:
        self.stream.let_go(self.id, self.times)


class Listeners:
    """Those of one stream."""

    def __init__(self, connection: Connection, filters: Sequence[Filter], limit: int) -> None:
        self.loop = asyncio.get_running_loop()
        self._connection = connection
        self._filters = filters
        self._limit = limit
        self._invoker: Invoker | None = None
        self._handles: weakref.WeakValueDictionary[str, Handle] = weakref.WeakValueDictionary()
        self._closed = False

    def __len__(self) -> int:
        return len(self._handles)

    @property
    def usable(self) -> bool:
        return self._connection.usable

    @property
    def invoker(self) -> Invoker:
        """The chain that calls back run through; made when there is the first."""
        if self._invoker is None:
            self._invoker = chain(self._filters, CallbackInvoker(self._connection, self._handles))
        return self._invoker

    def bind(self, invocation: Invocation, codec: CallbackCodec) -> None:
        """Put what can be called in place of the references. LimitExceeded where there are too
        many."""
        invocation.arguments, invocation.keywords = codec.substitute(
            invocation.arguments, invocation.keywords, self._view
        )

    def _view(self, interface: CallbackInterface, reference: Reference | None) -> Any:
        if reference is None:
            return None
        id = str(reference.callback)
        handle = self._handles.get(id)
        if handle is None:
            if len(self._handles) >= self._limit:
                self.let_go(id, 1)
                raise LimitExceeded(
                    f"the provider holds {len(self._handles)} callbacks of this stream, and allows "
                    f"{self._limit} (Server: callbacks)",
                    sent=Sent.NOT_EXECUTED,
                )
            handle = self._handles[id] = Handle(self, id)
        handle.times += 1
        return handle.view(interface)

    def let_go(self, id: str, times: int) -> None:
        """Tell the consumer that nobody here keeps it. Called from any thread, at any time."""
        if self._closed:
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed, and the stream with it
            self.loop.call_soon_threadsafe(self._release, id, times)

    def _release(self, id: str, times: int) -> None:
        if self.usable:
            note = Invocation(SERVICE, RELEASE.name, attachments={INSTANCE: id}, oneway=True)
            self._connection.calls.tell(note, (MSGPACK, encode_plain((times,))))

    def close(self) -> None:
        """The stream ended."""
        self._closed = True
        connection = self._connection
        reason = f"the stream with {connection.peer.remote_address} ended"
        for handle in list(self._handles.values()):
            handle.close(f"{reason}: {connection.error}" if connection.error else reason)


class CallbackInvoker:
    """Sends calls back over the stream. (Dubbo: ChannelWrappedInvoker)"""

    def __init__(
        self, connection: Connection, handles: weakref.WeakValueDictionary[str, Handle]
    ) -> None:
        self._connection = connection
        self._handles = handles

    async def invoke(self, invocation: Invocation) -> Result:
        handle = self._handles[str(invocation.attachments[INSTANCE])]
        if not handle.available:
            reason = handle.gone or "the stream is being ended, and takes no new calls"
            raise Unavailable(f"{invocation.method}: {reason}", sent=Sent.NOT_SENT)
        invocation.start_countdown()
        payload = invocation.codec.encode_arguments(invocation.arguments, invocation.keywords)
        try:
            return await call(self._connection.calls, invocation, payload)
        except Unavailable as error:
            if error.remote and error.sent is Sent.NOT_EXECUTED:
                handle.close(error.message)  # it was withdrawn
            raise

    def __repr__(self) -> str:
        return f"CallbackInvoker({self._connection.peer.remote_address!r})"
