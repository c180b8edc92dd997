"""What a servicer is given as its ``context``: grpc's, for either style of servicers.

What it says of the answer is kept here until the filters have seen it; what is asked of the
call comes from gRPC.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

import grpc
import grpc.aio

from facade.core.errors import RpcError, Status
from facade.core.exceptions import text_of
from facade.core.invocation import Attachments, Invocation
from facade.exchange.metadata import RICH_STATUS, Pairs, check, to_attachments
from facade.provider.native.aborted import Aborted, Quoted, status_number
from facade.provider.native.call import Call

Emit = Callable[[Any], Awaitable[None]]

_OVER = "the call is over"


class Context:
    """What both styles have alike."""

    def __init__(self, call: Call, invocation: Invocation) -> None:
        self._call = call
        self._invocation = invocation
        self._trailing: Pairs = ()
        self._code: Any = None
        self._details = ""
        # Once it was, nothing else counts.
        self.aborted: Aborted | None = None
        # Whether there was an answer of several: initial metadata go with the first.
        self.answered = False

    # Of the call

    def invocation_metadata(self) -> Any:
        return self._call.metadata

    def peer(self) -> str:
        return self._call.peer

    def peer_identities(self) -> Any:
        return self._call.ask("peer_identities", None)

    def peer_identity_key(self) -> Any:
        return self._call.ask("peer_identity_key", None)

    def auth_context(self) -> Any:
        return self._call.ask("auth_context", {})

    def time_remaining(self) -> float | None:
        countdown = self._invocation.countdown
        return None if countdown is None else max(countdown.remaining, 0.0)

    def is_active(self) -> bool:
        return not self._call.over and self.aborted is None

    def done(self) -> bool:
        return not self.is_active()

    def cancelled(self) -> bool:
        return self._call.cancelled

    def cancel(self) -> bool:
        """End the call as CANCELLED."""
        active = self.is_active()
        self._call.cancel()
        return active

    # Of the answer

    def set_trailing_metadata(self, metadata: Sequence[tuple[str, str | bytes]]) -> None:
        """ValueError for what can't travel."""
        pairs = tuple((name, value) for name, value in metadata)
        check(pairs)
        self._trailing = pairs

    def trailing_metadata(self) -> Any:
        return self._trailing

    def set_code(self, code: Any) -> None:
        self._code = code

    def code(self) -> Any:
        return self._code

    def set_details(self, details: str) -> None:
        self._details = details

    def details(self) -> str:
        return self._details

    def set_compression(self, compression: Any) -> None:
        self._call.ask("set_compression", None, compression)

    def disable_next_message_compression(self) -> None:
        self._call.ask("disable_next_message_compression", None)

    def _abort(self, code: Any, details: str, trailing: Any) -> Aborted:
        if self.aborted is not None:
            raise RuntimeError("Abort already called!")
        if trailing:
            self.set_trailing_metadata(trailing)
        status = status_number(code)
        # gRPC's own rule: nobody aborts with OK.
        status = Status.UNKNOWN if status is Status.OK else status
        self.aborted = Aborted(details or self._details, status, self._rich())
        return self.aborted

    def _rich(self) -> bytes:
        value = dict(self._trailing).get(RICH_STATUS, b"")
        return value if isinstance(value, bytes) else b""

    def _initial(self, metadata: Any) -> Any:
        """What sends it. gRPC itself would be left in the middle by one that comes too late."""
        if self._call.over:
            raise grpc.aio.UsageError(_OVER)
        if self.answered:
            raise grpc.aio.UsageError("Send initial metadata failed: already sent")
        return self._call.context.send_initial_metadata(tuple(metadata))

    # For who called the servicer

    def failure(self, raised: BaseException | None) -> BaseException | None:
        """The error that the call ends with, if any, given what the servicer raised."""
        if self.aborted is not None:
            return self.aborted
        if self._code is None or isinstance(raised, RpcError):
            return raised
        status = status_number(self._code)
        if status is Status.OK:
            return raised
        if raised is None or self._details:
            error = Aborted(self._details, status, self._rich())
        else:
            error = Quoted(unexpected(raised), status, self._rich())
        error.__cause__ = raised
        return error

    def attachments(self) -> Attachments:
        """Its trailing metadata, as filters see them."""
        self._call.untouched = self._trailing
        return to_attachments(self._trailing)


class AioContext(Context):
    """As grpc.aio.ServicerContext. ``requests``: what ``read`` reads; ``write`` is put in where
    the method yields."""

    def __init__(self, call: Call, invocation: Invocation, requests: Any) -> None:
        super().__init__(call, invocation)
        self._requests = requests

    async def abort(self, code: Any, details: str = "", trailing_metadata: Any = ()) -> NoReturn:
        raise self._abort(code, details, trailing_metadata)

    async def abort_with_status(self, status: Any) -> NoReturn:
        raise self._abort(status.code, status.details, status.trailing_metadata)

    async def send_initial_metadata(self, initial_metadata: Any) -> None:
        await self._initial(initial_metadata)

    async def read(self) -> Any:
        if self._requests is None:
            raise grpc.aio.UsageError("the method takes one request: it is its argument")
        try:
            return await anext(self._requests)
        except StopAsyncIteration:
            return grpc.aio.EOF

    async def write(self, message: Any) -> None:
        raise grpc.aio.UsageError("the method gives one answer: return it")

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        if not self._call.on_end(lambda: callback(self)):
            callback(self)


class SyncContext(Context):
    """As grpc.ServicerContext. Its methods are called in threads."""

    def abort(self, code: Any, details: str, trailing_metadata: Any = ()) -> NoReturn:
        raise self._abort(code, details, trailing_metadata)

    def abort_with_status(self, status: Any) -> NoReturn:
        raise self._abort(status.code, status.details, status.trailing_metadata)

    def send_initial_metadata(self, initial_metadata: Any) -> None:
        sent = self._initial(initial_metadata)
        asyncio.run_coroutine_threadsafe(sent, self._call.loop).result()

    def add_callback(self, callback: Callable[[], object]) -> bool:
        """Called on the event loop once the call is over: it must not block."""
        return self._call.on_end(callback)


# For who asks whether it is one. Deriving would break with each method that grpcio adds.
grpc.aio.ServicerContext.register(AioContext)
grpc.ServicerContext.register(SyncContext)


def unexpected(error: BaseException) -> str:
    """grpcio's words for what a servicer raised."""
    return f"Unexpected {type(error)}: {text_of(error)}"
