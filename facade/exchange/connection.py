"""One live stream, from its setup to its end.

How it works. A reader takes frames apart and hands each envelope to whose it is; it
never waits for anybody. A writer takes what lies in the outbox and writes it as one
frame: while that is under way the next envelopes gather, so frames grow with the load
and nothing is ever held back to wait for more. Either end may call the other: results
and cancels go to one role, invocations to the other.

A call that is alone takes two short cuts, a fifth of its latency together: its envelope is
written from where it is sent, before the writer's turn comes; and the task that read it
runs it, leaving the reading to a new one.

To end in peace, each end sends ``drain`` after its last invocation, and the stream is
finished once both have, no call is open, and all is written.
"""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

from facade.core.errors import RpcError, Sent, Status, Unavailable, Unimplemented
from facade.core.log import get_logger
from facade.exchange.answering import Exports, Peer
from facade.exchange.assembly import Assembly
from facade.exchange.bulk import LARGE
from facade.exchange.dispatcher import Dispatcher
from facade.exchange.ending import hear_out, reason_of
from facade.exchange.envelope import Envelope, Frame, parse
from facade.exchange.heartbeat import Heartbeat, ping, pong
from facade.exchange.idle import Idle
from facade.exchange.life import Event, Life, State
from facade.exchange.multiplexer import Multiplexer
from facade.exchange.opened import LONG, open_frame
from facade.exchange.protocol import CHUNKS, ITEMS, Violation, check_setup, make_setup, no_setup
from facade.exchange.settings import DEFAULT_MAX_MESSAGE, Settings
from facade.exchange.stream import FrameStream
from facade.exchange.writer import Writer

logger = get_logger(__name__)

# How many envelopes the reader hands out before the loop may turn. What they woke then
# sends while the rest is still unread, so that both ends work at the same time: with 256
# calls in flight 43 thousand calls/s, where handing out all at once gave 21 thousand, each
# end waiting for the other half of the time.
TURN = 64


class Connection:
    """Both roles on one stream. Made and used within one event loop."""

    def __init__(
        self, stream: FrameStream, settings: Settings, exports: Exports, *, opened: bool
    ) -> None:
        self._stream = stream
        self._settings = settings
        self._opened = opened
        # What is shown to be let in; to be set before it runs.
        self.credentials: Mapping[str, bytes] | None = None
        self._loop = asyncio.get_running_loop()
        # Who called us may not leave what we answer unread.
        self._writer = Writer(stream, 0 if opened else settings.limits.max_waiting_bytes)
        self._outbox = self._writer.outbox
        self._assembly = Assembly(settings.max_message_size)
        # Queue a serialized envelope: see ``Send``.
        self.send = self._writer.send
        self._reader: asyncio.Task[None] | None = None
        self._reading: asyncio.Future[None] = self._loop.create_future()
        self._heartbeat = Heartbeat(settings, lambda: self.send(ping()), self._silent)
        self._error: RpcError | None = None
        self._life = Life()
        self._finished = asyncio.Event()
        self.closed = asyncio.Event()
        # Told that the peer drains. Who makes something else of it is to call ``follow`` soon.
        self.on_drain = self.follow
        # Whether a new call may go here, and whether one with streams may.
        self.usable = self.takes_items = False
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.peer = Peer(stream.remote_address, stream.local_address, stream.identity)
        self.calls = Multiplexer(self.send, opened=opened, remote_address=stream.remote_address)
        self.answers = Dispatcher(exports, self.send, self.peer, settings, opened=opened)
        self.peer.limits = self.calls.limits = settings.limits
        self.calls.bulk = self.answers.bulk = self._writer.bulk
        self.calls.assembly = self._assembly
        self._idle = Idle(settings, self, self.drain)
        self.calls.idle = self.answers.idle = self._finish_when_idle

    # Life

    async def run(self) -> None:
        """Serve the stream to its end. Raises nothing but cancellation; see ``error``."""
        if self._opened:
            self.send(make_setup(self._settings, self.credentials))
        handshake = self._loop.call_later(self._settings.limits.handshake_timeout, self._no_setup)
        self._read_on()
        writer = asyncio.create_task(
            self._writer.run(self.calls, self._finish_when_idle), name="facade-writer"
        )
        finished = asyncio.create_task(self._finished.wait(), name="facade-finished")
        ends: tuple[asyncio.Future[Any], ...] = (self._reading, writer, finished)
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if writer.done() and await hear_out(writer, (self._reading, finished), self._stream):
                ends = (self._reading, finished)
            over = finished.done() and not self._reading.done()
            if over and self._opened and self._error is None:
                await self._leave()
        finally:
            handshake.cancel()
            assert self._reader is not None
            self._reader.cancel()
            for end in ends:
                end.cancel()
            problem = None
            try:
                outcomes = await asyncio.gather(*ends, return_exceptions=True)
                problem = next((e for e in outcomes if isinstance(e, Exception)), None)
            finally:  # also where it is cancelled once more
                self._end(problem)

    async def _leave(self) -> None:
        """Say that we are done, and let the peer have the last word."""
        try:
            await self._stream.finish()
            await asyncio.wait((self._reading,), timeout=1)
        except Exception as error:
            if self._stream.explain(error) is None:
                raise  # else the peer was faster

    def _end(self, problem: BaseException | None) -> None:
        if problem is not None:
            self._error = reason_of(problem, self._error, self._stream)
        error = self._error
        if isinstance(error, Violation):
            logger.warning("the stream with %s ends: %s", self.peer.remote_address, error)
        self._heartbeat.stop()
        self._idle.stop()
        self._happen(Event.LOST)
        self.closed.set()
        self._stream.close(error)
        reason = (
            f"the connection to {self.peer.remote_address} ended: {error or 'the peer closed it'}"
        )
        if not self.ready.done():
            self.ready.set_exception(error or Unavailable(reason, sent=Sent.NOT_SENT))
            self.ready.exception()  # it may be that nobody waits for it
        self.calls.fail_all(reason, lambda message, sent: Unavailable(message, sent=sent))
        self.answers.abandon()

    @property
    def error(self) -> RpcError | None:
        """Why it ended, where it did not end in peace."""
        return self._error

    def abort(self, error: RpcError) -> None:
        """End it at once."""
        if self._error is None:
            self._error = error
        self._happen(Event.LOST)

    def _happen(self, event: Event) -> bool:
        changed = self._life.happen(event)
        self.usable = self._life.usable
        if self._life.closed:
            self._finished.set()
        return changed

    async def drain(self, reason: str, grace: float) -> None:
        """End it once the calls on it are done, or after ``grace`` seconds.

        Calls that are still answered here then get an error that gives the reason.
        """
        if self._happen(Event.LEAVE):
            if self._life.closed:
                self._error = Unavailable(reason, sent=Sent.NOT_SENT)
            else:
                self._send_drain(reason)
        try:
            await asyncio.wait_for(self.closed.wait(), grace)
        except TimeoutError:
            if self.answers:
                await self.answers.stop(f"{reason}, and the call had not ended after {grace:g} s")
                await self._writer.flush()
            self.abort(Unavailable(reason))
            await self.closed.wait()

    def _send_drain(self, reason: str) -> None:
        self.send(Envelope(drain={"reason": reason}).SerializeToString())

    def follow(self) -> None:
        """The peer drains: send nothing new either."""
        if self._happen(Event.LEAVE) and not self._life.closed:
            self._send_drain("the peer drains")
        self._finish_when_idle()

    def _finish_when_idle(self) -> None:
        if self._life.state is State.DRAINED and not (
            self.calls or self.answers or self._assembly or self._writer.busy
        ):
            self._happen(Event.IDLE)

    # Reading

    def _read_on(self) -> None:
        self._reader = self._loop.create_task(self._read(), name="facade-reader")

    async def _read(self) -> None:
        """Read until the end, or until this task is better used for a call."""
        try:
            read, end = self._stream.read, self._stream.end
            while (data := await read()) is not end:
                self._heartbeat.heard = received = monotonic()
                if self.answers.strained or len(self._outbox) >= self._outbox.look_at:
                    await self._slow_down()
                envelopes = parse(data, Frame).envelopes if len(data) < LONG else open_frame(data)
                if len(envelopes) == 1 and not self.answers and self.usable:
                    alone = envelopes[0]
                    if alone.WhichOneof("kind") == "invocation":
                        assert self._reader is not None
                        call = self.answers.serve(
                            alone.id, alone.invocation, received, self._reader
                        )
                        self._read_on()
                        break
                left = TURN
                for envelope in envelopes:
                    if not left:
                        left = TURN
                        await asyncio.sleep(0)
                        if self.answers.strained or len(self._outbox) >= self._outbox.look_at:
                            await self._slow_down()
                    left -= 1
                    self._receive(envelope)
            else:
                self._settle(None)
                return
        except ValueError as error:
            self._settle(Violation(str(error)))
            return
        except Exception as error:
            self._settle(error)
            return
        await call

    async def _slow_down(self) -> None:
        """The peer asks too much, or leaves too much unread."""
        if self.answers.strained:
            await self.answers.slow_down()
        await self._outbox.wait(self._heartbeat)

    def _settle(self, error: Exception | None) -> None:
        """There is nothing more to read."""
        if self._reading.done():
            return
        if error is None:
            self._reading.set_result(None)
        else:
            self._reading.set_exception(error)

    def _receive(self, envelope: Any) -> None:
        kind = envelope.WhichOneof("kind")
        if kind == "setup":
            self._set_up(envelope.setup)
        elif not self._life.set_up:
            raise Violation(f"the first envelope must be setup, not {kind or 'of an unknown kind'}")
        elif kind == "result":
            self.calls.resolve(envelope.id, envelope.result)
        elif kind == "invocation":
            if not self._life.hears_calls:
                raise Violation("an invocation came after drain")
            self.answers.start(envelope.id, envelope.invocation, self._heartbeat.heard)
        elif kind == "cancel":
            self.answers.cancelled(envelope.id)
            self._assembly.discard(envelope.id)
            if self._writer.bulk:
                self._writer.bulk.discard(envelope.id)
            self._finish_when_idle()
        elif kind == "item":
            self._role(envelope.id).item(envelope.id, envelope.item)
        elif kind == "credit":
            self._role(envelope.id).credit(envelope.id, envelope.credit)
        elif kind == "ping":
            self._writer.send_first(pong(envelope.ping.nonce))
        elif kind == "pong":
            self._writer.acknowledge(envelope.pong.nonce)
        elif kind == "chunk":
            self._put_together(envelope.id, envelope.chunk)
        elif kind == "drain":
            self._happen(Event.PEER_LEAVES)
            self.on_drain()
        elif not (kind is None and envelope.optional):
            self._cannot(kind or "of a kind that this end does not know", envelope.id)

    def _put_together(self, id: int, chunk: Any) -> None:
        if id not in self._assembly:
            if not chunk.total_bytes or not self._role(id).reserve(id):
                return  # nobody waits for it any more
            self._assembly.begin(id, chunk)
        envelope = self._assembly.add(id, chunk)
        if envelope is None:
            return
        if self._role(id) is self.calls:
            self.calls.resolve(id, envelope.result)
            self._finish_when_idle()
        else:
            self.answers.start(id, envelope.invocation, self._heartbeat.heard)

    def _role(self, id: int) -> Multiplexer | Dispatcher:
        """Whose call it is."""
        return self.calls if id & 1 == self._opened else self.answers

    def _cannot(self, kind: str, id: int) -> None:
        """Say what this end does not do: to the call, or to the stream."""
        error = Unimplemented(f"this end does not take envelopes {kind}")
        if id == 0:
            raise Violation(error.message, status=Status.UNIMPLEMENTED)
        self._role(id).refuse(id, error)

    # Setup

    def _set_up(self, setup: Any) -> None:
        check_setup(setup)
        if not self._happen(Event.SETUP):
            return  # we are leaving already
        # What is larger than we take ourselves is not worth sending: the two are set alike.
        limit = min(setup.max_message_bytes or DEFAULT_MAX_MESSAGE, self._settings.max_message_size)
        self.calls.max_message_bytes = self.answers.max_message_bytes = limit
        self._writer.limit(limit)
        self.peer.application = setup.application
        self.takes_items = ITEMS in setup.features
        whole = LARGE if CHUNKS in setup.features else limit
        self.calls.whole_bytes = self.answers.whole_bytes = min(whole, limit)
        if not self._opened:
            self.send(make_setup(self._settings))
        self.ready.set_result(None)
        self._heartbeat.start()
        self._idle.start()

    def _no_setup(self) -> None:
        if not self.ready.done():
            self.abort(no_setup(self.peer.remote_address, self._settings.limits))

    def _silent(self, seconds: float) -> None:
        self.abort(Unavailable(f"{self.peer.remote_address} has been silent for {seconds:.1f} s"))
