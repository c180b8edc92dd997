"""The transport's twin in memory: the same frames, no socket."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from facade.core.errors import DeadlineExceeded, RpcError, Sent, Unavailable, Unimplemented
from facade.exchange.stream import ConsumerStream, FrameStream

if TYPE_CHECKING:
    from facade.exchange.metadata import Pairs

# Frames on their way in one direction; a writer waits beyond it, as gRPC's flow control does.
_WINDOW = 16


class MemoryStream:
    """One end of a pair that ``pair`` makes."""

    end = None

    def __init__(
        self,
        incoming: asyncio.Queue[bytes | None],
        outgoing: asyncio.Queue[bytes | None],
        name: str,
    ) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._finished = False
        self._broken = asyncio.Event()
        self.peer: MemoryStream | None = None
        self.error: RpcError | None = None
        self.remote_address = name
        self.local_address = "memory"
        self.identity: Any = None
        # Who answers Describe, at the end that opened it.
        self.describer: Callable[[bytes], Awaitable[bytes]] | None = None

    async def read(self) -> bytes | None:
        item = asyncio.ensure_future(self._incoming.get())
        broken = asyncio.ensure_future(self._broken.wait())
        try:
            await asyncio.wait((item, broken), return_when=asyncio.FIRST_COMPLETED)
            if item.done():
                return item.result()
            if self.error is not None:
                raise self.error
            return None
        finally:
            item.cancel()
            broken.cancel()

    async def write(self, frame: bytes) -> None:
        if self._broken.is_set() or self._finished:
            raise self.error or Unavailable("the stream in memory has ended")
        await self._outgoing.put(frame)

    async def describe(self, request: bytes, timeout: float) -> bytes:
        if self.describer is None:
            raise Unimplemented("nothing in memory describes itself", remote=True)
        try:
            return await asyncio.wait_for(self.describer(request), timeout)
        except TimeoutError:
            raise DeadlineExceeded("memory: it took too long to describe itself") from None

    def explain(self, error: Exception) -> RpcError | None:
        return error if isinstance(error, RpcError) else None

    async def finish(self) -> None:
        if not self._finished:
            self._finished = True
            await self._outgoing.put(None)

    def close(self, error: RpcError | None = None) -> None:
        self._finished = True
        self._broken.set()
        if self.peer is not None and not self.peer._broken.is_set():
            self.peer.error = error
            self.peer._broken.set()

    async def gone(self) -> None:
        """At once: nothing carries it."""


def pair() -> tuple[MemoryStream, MemoryStream]:
    """Two ends of one stream."""
    there: asyncio.Queue[bytes | None] = asyncio.Queue(_WINDOW)
    back: asyncio.Queue[bytes | None] = asyncio.Queue(_WINDOW)
    left, right = MemoryStream(back, there, "memory"), MemoryStream(there, back, "memory")
    left.peer, right.peer = right, left
    return left, right


class MemoryTransport:
    """Reaches a server in the same process and loop."""

    def __init__(
        self,
        exchange: Callable[[FrameStream], Awaitable[None]],
        invoke: Callable[[bytes, str, float | None], Awaitable[bytes]],
        describe: Callable[[bytes], Awaitable[bytes]] | None = None,
    ) -> None:
        self.target = "memory"
        self._exchange = exchange
        self._invoke = invoke
        self._describe = describe
        self.available = True
        self._serving: set[asyncio.Future[None]] = set()

    async def open(self) -> ConsumerStream:
        ours, theirs = pair()
        ours.describer = self._describe
        task = asyncio.ensure_future(self._exchange(theirs))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        return ours

    async def shown(self, timeout: float | None) -> "Pairs":
        return ()

    async def invoke(self, request: bytes, timeout: float | None, shown: "Pairs") -> bytes:
        if not self.available:
            raise Unavailable("the client is closed", sent=Sent.NOT_SENT)
        return await self._invoke(request, "memory", timeout)

    async def describe(self, request: bytes, timeout: float) -> bytes:
        stream, _ = pair()
        stream.describer = self._describe
        return await stream.describe(request, timeout)

    async def close(self, grace: float) -> None:
        self.available = False
        if self._serving:
            await asyncio.wait(self._serving, timeout=grace)
