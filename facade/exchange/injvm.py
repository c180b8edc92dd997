"""Calls within the process, without a network. (Dubbo: InjvmProtocol, InjvmInvoker)

How it works. A server that runs lists what it exports in a table of the process. A consumer
looks the service up at each call, fills the messages that would travel otherwise, and hands
them over as they are: so values are copied and checked as over a network, and errors read
the same. The call is a task of its own on the server's loop, in an empty context: of what
surrounds the caller it sees nothing but what the message says.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from contextvars import Context
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from facade.codec import CallingCodec
from facade.core.context import override
from facade.core.errors import (
    DeadlineExceeded,
    RpcError,
    Sent,
    Unavailable,
    Unimplemented,
    no_time_left,
)
from facade.core.hint import suggest
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.exchange.answering import Channels, Peer
from facade.exchange.envelope import WireInvocation, fill_invocation, read_result
from facade.exchange.overdue import timeout_text
from facade.exchange.stream import ConsumerStream

if TYPE_CHECKING:
    from facade.exchange.line import Line
    from facade.exchange.metadata import Pairs

# Address of all that runs here, unless it has a place of its own: "injvm:orders".
INJVM = "injvm"


def place(address: str) -> str | None:
    """The address, where it is one within the process."""
    return address if address == INJVM or address.startswith(f"{INJVM}:") else None


class Provider(Protocol):
    """A running server, as consumers in its process see it."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...

    def serve(
        self, wire: Any, received: float, peer: Peer, channels: Channels | None = None
    ) -> Coroutine[Any, Any, Any]:
        """Answer one call: an Invocation message in, a Result message out. ``channels`` have
        its streams."""
        ...

    def describe(self, request: bytes) -> bytes:
        """What may be called within the process: serialized messages in and out."""
        ...


class Exported:
    """Which servers of this process export a service, by place. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._providers: dict[tuple[str, str], tuple[Provider, ...]] = {}

    def add(self, place: str, key: str, provider: Provider) -> None:
        """Of several servers the last one answers."""
        with self._lock:
            self._providers[place, key] = (*self._providers.get((place, key), ()), provider)

    def remove(self, place: str, key: str, provider: Provider) -> None:
        with self._lock:
            left = tuple(p for p in self._providers.get((place, key), ()) if p is not provider)
            if left:
                self._providers[place, key] = left
            else:
                self._providers.pop((place, key), None)

    def clear(self) -> None:
        self._providers = {}

    def keys(self, place: str) -> list[str]:
        return [key for where, key in list(self._providers) if where == place]

    def at(self, place: str) -> list[Provider]:
        """All servers there are."""
        found = [
            p for (where, _), ps in list(self._providers.items()) if where == place for p in ps
        ]
        return list(dict.fromkeys(found))

    def find(self, place: str, invocation: Invocation) -> Provider:
        """Raises Unimplemented, which lists what there is; Unavailable where there is nothing."""
        providers = self._providers.get((place, invocation.service_key))
        if providers is None:
            raise self._missing(place, invocation.service_key)
        return providers[-1]

    def _missing(self, place: str, key: str) -> RpcError:
        keys = self.keys(place)
        what = f"Service [{key}] not found: no server that runs in this process exports"
        if not keys:
            return Unavailable(f"{what} anything at {place!r}", sent=Sent.NOT_SENT)
        return Unimplemented(
            f"{what} it at {place!r}; {suggest(key, keys)}there are: {', '.join(keys)}",
            sent=Sent.NOT_SENT,
        )


exported = Exported()
# The servers of the parent do not run in a forked child.
os.register_at_fork(after_in_child=exported.clear)


class InjvmTransport:
    """What a client asks beside its calls, within the process."""

    def __init__(self, place: str) -> None:
        self.target = place
        self.available = True

    async def open(self) -> ConsumerStream:
        raise Unavailable(f"{self.target!r} has no streams", sent=Sent.NOT_SENT)

    async def shown(self, timeout: float | None) -> "Pairs":
        return ()

    async def invoke(self, request: bytes, timeout: float | None, shown: "Pairs") -> bytes:
        raise Unavailable(f"{self.target!r} takes no messages", sent=Sent.NOT_SENT)

    async def describe(self, request: bytes, timeout: float) -> bytes:
        """Of all servers at this place. Serialized messages that are joined are merged."""
        providers = exported.at(self.target)
        if not providers:
            raise Unavailable(f"nothing is exported at {self.target!r}", sent=Sent.NOT_SENT)
        return b"".join(provider.describe(request) for provider in providers)

    async def close(self, grace: float) -> None:
        self.available = False


class InjvmInvoker:
    """Calls what servers of this process export."""

    def __init__(self, place: str, application: str, called: Callable[[], None]) -> None:
        self._place = place
        self._called = called  # told of each call
        self._peer = Peer(place, place)
        self._peer.application = application
        # Calls that somebody waits for, and those that nobody does any more.
        self._calls: set[asyncio.Future[Any]] = set()
        self._left: set[asyncio.Future[Any]] = set()
        self._closed = False

    @property
    def available(self) -> bool:
        """Whether there is anything to call."""
        return not self._closed and bool(exported.keys(self._place))

    async def invoke(self, invocation: Invocation) -> Result:
        override(invocation)
        codec: CallingCodec = invocation.codec
        payload = codec.encode_arguments(invocation.arguments, invocation.keywords)
        invocation.start_countdown()
        provider = self._find(invocation)
        countdown = invocation.countdown
        left = countdown.remaining if countdown is not None else None
        if left is not None and left <= 0:
            return Result(exception=no_time_left(invocation))
        wire = WireInvocation()
        fill_invocation(wire, invocation, payload, left if invocation.in_countdown else None)
        answer = await self._answer(provider, wire, invocation, left)
        if invocation.oneway:
            return Result()
        content, result = read_result(answer, invocation)
        if content is not None:
            result.value = codec.decode_result(content)
        return result

    def line(self, invocation: Invocation) -> "Line":
        """What a call with streams is sent over."""
        provider = self._find(invocation)

        def start(wire: Any, channels: Channels) -> asyncio.Future[Any]:
            work = provider.serve(wire, monotonic(), self._peer, channels)
            call = _start(provider, work, invocation)
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
            return call

        from facade.exchange.line import Line  # for those who have streams

        return Line(start, provider.loop, self.cancelled)

    def _find(self, invocation: Invocation) -> Provider:
        if self._closed:
            raise Unavailable(f"{invocation}: the client is closed", sent=Sent.NOT_SENT)
        self._called()
        provider = exported.find(self._place, invocation)
        invocation.remote_address = invocation.local_address = self._place
        return provider

    async def _answer(
        self, provider: Provider, wire: Any, invocation: Invocation, left: float | None
    ) -> Any:
        started = monotonic()
        call = _start(provider, provider.serve(wire, started, self._peer), invocation)
        self._calls.add(call)
        try:
            await asyncio.wait((call,), timeout=left)
        except asyncio.CancelledError:
            call.cancel()
            raise
        finally:
            self._calls.discard(call)
            if not call.done():
                self._left.add(call)
                call.add_done_callback(self._forget)
        if not call.done():
            text = timeout_text(invocation, started, started, invocation.remote_address)
            raise DeadlineExceeded(text)
        if call.cancelled():
            raise self.cancelled(invocation)
        return call.result()

    def cancelled(self, invocation: Invocation) -> Unavailable:
        """Why its call was, where its caller did not leave."""
        why = "the consumer closes" if self._closed else "the event loop of its server ended"
        return Unavailable(f"{invocation}: {why}")

    def _forget(self, call: asyncio.Future[Any]) -> None:
        self._left.discard(call)
        if not call.cancelled():
            call.exception()  # nobody else asks

    async def close(self, grace: float) -> None:
        """Let calls under way end for ``grace`` seconds, then end them, and take no more."""
        self._closed = True
        if self._calls:
            await asyncio.wait(self._calls, timeout=grace)
        for call in list(self._calls):
            call.cancel()

    def __repr__(self) -> str:
        return f"InjvmInvoker({self._place!r})"


def _start(
    provider: Provider, work: Coroutine[Any, Any, Any], invocation: Invocation
) -> asyncio.Future[Any]:
    """A task on the provider's loop, wherever that runs."""
    loop = provider.loop
    if loop is asyncio.get_running_loop():
        return loop.create_task(work, name="facade-injvm", context=Context())
    try:
        there = Context().run(asyncio.run_coroutine_threadsafe, work, loop)
    except RuntimeError:  # closed, and the server was never stopped
        work.close()
        raise Unavailable(
            f"{invocation}: the event loop of the server that exports it is closed",
            sent=Sent.NOT_SENT,
        ) from None
    return asyncio.wrap_future(there)
