"""One plain gRPC call that is being answered."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Any, Protocol

import grpc.aio

from facade.core.chain import accuse, explain
from facade.core.countdown import TimeoutCountDown
from facade.core.errors import Code, DeadlineExceeded, RpcError, Sent, Status
from facade.core.exceptions import is_known
from facade.core.filter import Invoker
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.method import Method
from facade.core.result import Result
from facade.core.stream import NOT_OF_THE_STREAM
from facade.exchange.answering import ends_the_loop
from facade.exchange.guard import caller_of
from facade.exchange.listener import peer_of
from facade.exchange.metadata import (
    EXECUTION,
    NOT_STARTED,
    RICH_STATUS,
    Pairs,
    to_attachments,
    to_metadata,
)
from facade.provider.native.aborted import Aborted, rich_status
from facade.provider.native.text import LONGEST, LONGEST_GIVEN, short
from facade.provider.unary import nearly

logger = get_logger(__name__)

# Among the attributes of an invocation: the Call that it came with.
CALL = "facade.native"

_OF_ERRORS = (RICH_STATUS, EXECUTION)


class Target(Protocol):
    """A method that can be called: what it is, who answers, how its messages are read."""

    method: Method
    group: str
    version: str
    invoker: Invoker

    def arguments(self, invocation: Invocation, request: Any) -> None:
        """Fill the invocation from the bytes of a request, or from a stream of such. Raises
        RpcError for what does not fit."""
        ...

    def encode(self, value: Any) -> bytes:
        """One answer. Raises RpcError where it can't be encoded."""
        ...

    def failure(self, error: BaseException, invocation: Invocation) -> tuple[str, Pairs]:
        """The text for an exception that the method raised, and what to send besides."""
        ...


class Outcome:
    """How a call ended, as gRPC says it."""

    __slots__ = ("data", "message", "status", "trailing")

    def __init__(
        self,
        data: bytes | None = None,
        status: Status = Status.OK,
        message: str = "",
        trailing: Pairs = (),
    ) -> None:
        self.data = data
        self.status = status
        self.message = message
        self.trailing = trailing

    @classmethod
    def of(cls, error: RpcError, trailing: Pairs = ()) -> "Outcome":
        text = short(error.message, LONGEST_GIVEN if isinstance(error, Aborted) else LONGEST)
        status = error.status if error.status is not Status.OK else Status.UNKNOWN
        return cls(None, status, text, (*trailing, *rich_status(error)))

    @classmethod
    def refused(cls, error: RpcError) -> "Outcome":
        """It failed around the method, and knows whether that was started."""
        unstarted = error.sent is not Sent.MAYBE_EXECUTED
        return cls.of(error, ((EXECUTION, NOT_STARTED),) if unstarted else ())


class Call:
    """What is known of it, and what must be ended with it.

    gRPC frees its own object once the call is over, which what still runs must not touch:
    ``ask`` minds that.
    """

    def __init__(self, target: Target, context: Any, request: Any, local_address: str) -> None:
        self.received = monotonic()
        self.target = target
        self.context = context
        self.loop = asyncio.get_running_loop()
        self.metadata: Pairs = tuple(context.invocation_metadata())
        self.peer = peer_of(context, local_address)
        self.over = False
        self.cancelled = False
        # The trailing metadata as the servicer gave it, of which attachments were made.
        self.untouched: Pairs = ()
        self.task: asyncio.Task[Outcome] | None = None
        # What yields answers, and is to be closed.
        self.streams: list[Any] = []
        self._at_end: list[Callable[[], object]] = []
        self._request = request
        self._begun = False
        self._lock = threading.Lock()
        self.invocation = self._invocation(local_address)

    def _invocation(self, local_address: str) -> Invocation:
        told = dict(self.metadata)
        method = self.target.method
        invocation = Invocation(
            method.service,
            method.name,
            attachments=to_attachments(self.metadata),
            group=self.target.group,
            version=self.target.version,
            method=method,
        )
        left = self._time_left(told)
        if left is not None:
            invocation.timeout = left
            invocation.countdown = TimeoutCountDown(left, self.received)
        invocation.remote_address = self.peer
        invocation.local_address = local_address
        invocation.remote_identity = caller_of(self.context)
        invocation.remote_application = str(
            told.get("tri-consumer-appname") or told.get("remote.application", "")
        )
        invocation.attributes[CALL] = self
        return invocation

    def _time_left(self, told: dict[str, Any]) -> float | None:
        """gRPC's deadline, or what Triple says where there is none (in milliseconds)."""
        left: float | None = self.context.time_remaining()
        said = told.get("tri-service-timeout", "")
        if left is None and isinstance(said, str) and said.isdecimal() and len(said) < 12:
            left = int(said) / 1000
        return left

    # While it runs

    async def answer(self) -> Outcome:
        """Call, and say what came of it. Raises nothing but cancellation."""
        try:
            self.target.arguments(self.invocation, self._request)
            result = await self._invoke()
            if result.exception is not None:
                return self._raised(result.exception, result)
            if result.expired:
                raise DeadlineExceeded(f"{self.invocation} timed out at the provider")
            if self.target.method.yields:
                return await self._send(result)
            data = self.target.encode(result.value)
            return Outcome(data, trailing=to_metadata(result.attachments, self.untouched))
        except RpcError as error:
            _report(error, self.invocation)
            return Outcome.refused(error)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if ends_the_loop(error):
                raise
            logger.exception("a filter failed in a call of %s", self.invocation)
            text = f"the provider failed to call {self.invocation}: see its log"
            return Outcome.of(RpcError(text, code=Code.UNKNOWN, status=Status.INTERNAL))
        finally:
            # A filter that wraps a stream may not hand on that nobody reads it any more.
            for stream in self.streams:
                await stream.aclose()
            # Or each call would be garbage for the collector.
            self.invocation.attributes.pop(CALL, None)
            self.streams.clear()

    async def _invoke(self) -> Result:
        invoker = self.target.invoker
        try:
            result: Any = await invoker.invoke(self.invocation)
        except AttributeError as error:
            explain(invoker, error)
            raise
        if not isinstance(result, Result):
            raise accuse(invoker, result)
        return result

    async def _send(self, result: Result) -> Outcome:
        """Write what the value yields. What is raised in the middle ends it."""
        countdown = self.invocation.countdown
        try:
            async with asyncio.timeout(None if countdown is None else countdown.remaining) as scope:
                async for item in result.value:
                    await self._write(item)
        except TimeoutError as error:
            if not scope.expired():
                return self._raised(error, result)
            raise DeadlineExceeded(f"{self.invocation} timed out at the provider") from None
        except NOT_OF_THE_STREAM:
            raise
        except BaseException as error:  # SystemExit, say, must not end the process
            if not isinstance(error, RpcError) and not is_known(error):
                # Filters that log what a method raised see no more than the stream itself.
                logger.error("%s raised %r", self.invocation, error, exc_info=error)
            return self._raised(error, result)
        finally:
            aclose = getattr(result.value, "aclose", None)
            if aclose is not None:
                await aclose()
        return Outcome(trailing=to_metadata(result.attachments, self.untouched))

    async def _write(self, item: Any) -> None:
        try:
            data = self.target.encode(item)
        except RpcError as error:
            _report(error, self.invocation)
            raise
        try:
            if not self._begun:
                self._begun = True
                await self._begin()
            await self.context.write(data)
        except grpc.aio.BaseError as error:  # no fault of the method's: we are cancelled next
            text = f"{self.invocation}: {len(data)} bytes of an answer could not be sent"
            logger.debug("%s: its caller has left, or they are too many: %s", text, error)
            raise RpcError(text, status=Status.CANCELLED) from None

    async def _begin(self) -> None:
        """Send initial metadata, to their end: where they are cancelled, alone or with the first
        answer, gRPC takes them for not sent, fails to send them again, and so to send a status."""
        sending = asyncio.ensure_future(self.context.send_initial_metadata(()))
        try:
            await asyncio.shield(sending)
        except grpc.aio.UsageError:
            pass  # the servicer did
        except asyncio.CancelledError:
            await asyncio.gather(sending, return_exceptions=True)
            raise

    def _raised(self, error: BaseException, result: Result) -> Outcome:
        attachments = result.attachments
        # These are the error's: the one is made of its details, and the method was started.
        if not attachments.keys().isdisjoint(_OF_ERRORS):
            attachments = {k: v for k, v in attachments.items() if k not in _OF_ERRORS}
        trailing = to_metadata(attachments, self.untouched)
        text, more = self.target.failure(error, self.invocation)
        if isinstance(error, RpcError):
            return Outcome.of(error, (*trailing, *more))
        if is_known(error):  # of any other there is a record already
            logger.error("%s raised %r", self.invocation, error, exc_info=error)
        return Outcome(None, Status.UNKNOWN, short(text), (*trailing, *more))

    async def requests(self, decode: Callable[[bytes], Any]) -> AsyncIterator[Any]:
        """The messages of a caller who streams them."""
        while not self.over:
            data = await self.context.read()
            if data is grpc.aio.EOF:
                # It also comes when the caller has left. That we mostly hear right after, and
                # then are cancelled here, as if he had not seemed to end well.
                for _ in range(3):
                    await asyncio.sleep(0)
                return
            yield decode(data)

    # Its end

    def ask(self, name: str, default: Any, *arguments: Any) -> Any:
        """What gRPC's context says, or the default once the call is over."""
        with self._lock:
            return default if self.over else getattr(self.context, name)(*arguments)

    def on_end(self, function: Callable[[], object]) -> bool:
        """Call it on the event loop once the call is over, whatever of it still runs. False
        where it is over already."""
        with self._lock:
            if not self.over:
                self._at_end.append(function)
            return not self.over

    def cancel(self) -> None:
        """From any thread."""
        if self.task is not None and not self.over:
            self.loop.call_soon_threadsafe(self.task.cancel)

    def ran_out(self) -> bool:
        """Whether its time is up, or nearly so: then its caller has not left, but given up."""
        countdown = self.invocation.countdown
        if countdown is None:
            return False
        return countdown.remaining <= nearly(countdown.timeout)

    def end(self, *, cancelled: bool = False) -> None:
        """gRPC has no more to do with it."""
        with self._lock:
            self.over, self.cancelled = True, cancelled
        while self._at_end:
            function = self._at_end.pop(0)
            try:
                function()
            except Exception:
                logger.exception("a callback for the end of %s failed", self.invocation)


def _report(error: RpcError, invocation: Invocation) -> None:
    if error.status in (Status.INTERNAL, Status.UNKNOWN) and not error.remote:
        logger.error("%s: %s", invocation, error)
