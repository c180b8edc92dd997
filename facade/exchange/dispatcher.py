"""The answering role on a connection: a task per call."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

from facade.codec import Payload
from facade.core.errors import Code, LimitExceeded, RpcError, Status, Unavailable
from facade.core.invocation import Invocation
from facade.exchange.answering import (
    Exports,
    Peer,
    answer,
    failed,
    log_oneway,
    log_swallowed,
    read_call,
)
from facade.exchange.bulk import Bulk
from facade.exchange.callbacks import CallbackTable
from facade.exchange.channel import Channel
from facade.exchange.patience import SLOWED, Patience
from facade.exchange.pending import Send
from facade.exchange.protocol import Violation
from facade.exchange.room import Room, Share
from facade.exchange.settings import Settings
from facade.exchange.splice import before


class Dispatcher:
    """Starts what the peer calls, and sends back what comes of it. Never awaits user code."""

    def __init__(
        self, exports: Exports, send: Send, peer: Peer, settings: Settings, *, opened: bool
    ) -> None:
        # What the consumer hands over can be called besides.
        self.callbacks = CallbackTable(exports)
        self._exports = self.callbacks if opened else exports
        self._send = send
        self._peer = peer
        self._parity = 0 if opened else 1
        # The id of the newest call.
        self.last = 0
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._cancelled: set[int] = set()
        self._oneway: set[int] = set()
        # Of the calls that have streams.
        self._channels: dict[int, Channel] = {}
        # How large an envelope may be, and up to which size it is sent whole.
        self.max_message_bytes = self.whole_bytes = 0
        self.bulk = Bulk()
        # Ids of calls that come in chunks, and are not whole yet.
        self._reserved: set[int] = set()
        self.idle: Callable[[], None] = lambda: None
        self._most = settings.max_calls
        self.share: Share
        self.take_places(Room(0))
        self._patience = Patience(settings.max_cancels)
        # Whether reading is to pause, as too many calls came to nothing.
        self.strained = False

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, id: int, wire: Any, received: float) -> None:
        """A call came: a task for it. ValueError for an id that breaks the rules."""
        self._admit(id)
        if len(self._tasks) >= self.share.places and not self.share.grow():
            self._turn_away(id, wire)
            return
        call = self._answer(id, *read_call(wire, received, self._peer))
        self._tasks[id] = self._loop.create_task(call, name="facade-call")

    def serve(
        self, id: int, wire: Any, received: float, task: asyncio.Task[None]
    ) -> Coroutine[Any, Any, None]:
        """A call came, and the task that read it has nothing else to do: it is to await this."""
        self._admit(id)
        if not self.share.places and not self.share.grow():
            return self._turn_away_later(id, wire)
        self._tasks[id] = task
        return self._answer(id, *read_call(wire, received, self._peer))

    def take_places(self, room: Room) -> None:
        """Its calls take places of these, beside what carries calls else."""
        self.share = room.share(self._tasks.__len__, self._most)

    async def _turn_away_later(self, id: int, wire: Any) -> None:
        self._turn_away(id, wire)

    def reserve(self, id: int) -> bool:
        """The first part of a call came. ValueError for an id that breaks the rules."""
        self._admit(id)
        self._reserved.add(id)
        return True

    def _admit(self, id: int) -> None:
        if id <= self.last or id & 1 != self._parity:
            if id not in self._reserved:
                raise ValueError(f"{id} is no id for a new call: the last one was {self.last}")
            self._reserved.discard(id)
        else:
            self.last = id

    def _turn_away(self, id: int, wire: Any) -> None:
        """One call too many: its answer is that, at once."""
        error = self.share.refusal(f"{wire.service}.{wire.method}")
        if len(self._tasks) >= self.share.most:  # else it is not his fault alone
            self._in_vain()
        if wire.oneway:
            log_oneway(self._exports, wire.service, wire.method, failed(id, error).result)
        else:
            self.refuse(id, error)

    def _in_vain(self) -> None:
        """A call comes to nothing."""
        if self._patience.spend(monotonic()):
            self.strained = True

    async def slow_down(self) -> None:
        """Hold up who reads, where too many calls came to nothing. Violation when that has gone
        on for too long."""
        self.strained = False
        if self._patience.lost:
            raise Violation(
                f"more than {self._patience.rate} calls a second were cancelled, or refused as "
                f"beyond max_calls, for longer than {SLOWED:g} s (max_cancels)",
                code=Code.LIMIT_EXCEEDED,
                status=Status.RESOURCE_EXHAUSTED,
            )
        await asyncio.sleep(self._patience.pause())

    def cancelled(self, id: int) -> None:
        """The caller no longer waits. The call keeps its place until it has really ended."""
        if id in self._tasks and id not in self._cancelled:
            self._in_vain()
            self._cancel(id)
        self._reserved.discard(id)

    def _cancel(self, id: int) -> None:
        task = self._tasks[id]
        if id in self._cancelled:
            return
        task.cancel()
        call = task.get_coro()
        if inspect.iscoroutine(call) and inspect.getcoroutinestate(call) == inspect.CORO_CREATED:
            self._forget(id)  # it will never begin, and so not come to its end either
        else:
            self._cancelled.add(id)

    def channel(self, id: int) -> Channel:
        """That of a call with streams. Credit for it may come before it has begun to run."""
        channel = self._channels.get(id)
        if channel is None:
            channel = self._channels[id] = Channel(id, self._send_part)
        return channel

    def _send_part(self, data: bytes) -> None:
        """A value of a stream, or credit for such. LimitExceeded for what is too large."""
        if len(data) > self.max_message_bytes:
            raise LimitExceeded(
                f"a value of the stream has {len(data)} bytes, more than the "
                f"{self.max_message_bytes} that one message may have: raise max_message_size at "
                "both ends, or give smaller ones"
            )
        self._send(data)

    def item(self, id: int, wire: Any) -> None:
        """A value of a streamed argument came. ValueError for what was not asked for."""
        if self._is_open(id):
            self.channel(id).item(wire)

    def credit(self, id: int, wire: Any) -> None:
        """More values of a result may go."""
        if self._is_open(id):
            self.channel(id).credit(wire)

    def _is_open(self, id: int) -> bool:
        """What comes for a call that is over was on its way. ValueError for one that never was."""
        if id > self.last:
            raise ValueError(f"{id} is no call")
        return id in self._tasks

    async def stop(self, reason: str) -> None:
        """Cancel what runs, and tell each caller."""
        tasks = list(self._tasks.values())
        for id in list(self._tasks):
            if id not in self._cancelled and id not in self._oneway:
                self.refuse(id, Unavailable(reason))
            self._cancel(id)
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    def abandon(self) -> None:
        """The connection ended: nobody waits for anything."""
        for id in list(self._tasks):
            self._cancel(id)
        self.callbacks.clear()

    def refuse(self, id: int, error: RpcError) -> None:
        """Answer with an error of ours."""
        self._send(failed(id, error).SerializeToString())

    async def _answer(self, id: int, call: Invocation, payload: Payload | RpcError) -> None:
        oneway = call.oneway
        try:
            if oneway:
                self._oneway.add(id)
            work = answer(self._exports, call, payload, self._peer, self, id)
            del payload  # it is decoded at once
            envelope, long = await work
            if id in self._cancelled:
                log_swallowed(self._exports, call)
            if oneway:
                if envelope is not None:
                    log_oneway(self._exports, call.service, call.name, envelope.result)
            elif id not in self._cancelled:
                self._reply(id, call, envelope, long)
        except asyncio.CancelledError:
            what = f"{call.service}.{call.name} was cancelled at the provider"
            cancelled = RpcError(what, status=Status.CANCELLED)
            if oneway:
                result = failed(id, cancelled).result
                log_oneway(self._exports, call.service, call.name, result)
            if id in self._cancelled:
                raise
            if not oneway:  # the method cancelled itself: its caller still waits
                self.refuse(id, cancelled)
        finally:
            self._forget(id)

    def _forget(self, id: int) -> None:
        del self._tasks[id]
        if self._channels:
            self._close_channel(id)
        self._cancelled.discard(id)
        self._oneway.discard(id)
        if not self._tasks:
            self.idle()

    def _close_channel(self, id: int) -> None:
        channel = self._channels.pop(id, None)
        if channel is not None:
            channel.close(RpcError("the call is over", status=Status.CANCELLED))

    def _reply(self, id: int, call: Invocation, envelope: Any, long: Payload | None) -> None:
        if long is None:
            head, content = b"", envelope.SerializeToString()
        else:
            encoding, content = long
            head = before(envelope, "result", encoding, len(content))
        size = len(head) + len(content)
        if size > self.max_message_bytes:
            self.refuse(
                id,
                LimitExceeded(
                    f"the answer of {call.service}.{call.name} has {size} bytes, more than "
                    f"the {self.max_message_bytes} that one message may have: raise "
                    "max_message_size at both ends, or return less"
                ),
            )
            return
        if size > self.whole_bytes:
            self._send(*self.bulk.cut(id, head, content, None))
        else:
            self._send(head + content, None, len(self._tasks) == 1)
