"""What a gRPC server asks for who answers a method."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio

from facade.core.cancellation import of_this_task
from facade.core.chain import INTERRUPTED, swallowers
from facade.core.errors import Sent, Status, Unavailable, Unimplemented
from facade.core.log import get_logger
from facade.exchange.listener import grpc_status
from facade.exchange.room import Room
from facade.provider.ending import let_end
from facade.provider.exporter import ExportTable
from facade.provider.native.call import Call, Outcome, Target
from facade.provider.native.mounts import Mounted, Mounts
from facade.provider.native.typed import TypedMethods

logger = get_logger(__name__)

_HANDLERS = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


class NativeCalls(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers each path: mounted services first, then exported ones, then that there is none.

    With ``typed=False`` exported services can't be called so.
    """

    def __init__(
        self, exports: ExportTable, mounts: Mounts, room: Room, *, typed: bool, networked: bool
    ) -> None:
        self._mounts = mounts
        self._typed = TypedMethods(exports) if typed else None
        self._networked = networked
        self._tasks: set[asyncio.Task[Outcome]] = set()
        self._share = room.share(self._tasks.__len__)
        self.stopping = ""
        self.local_address = ""

    # What there is

    def mount(self, add: Any, servicer: object, **settings: Any) -> Mounted:
        """As ``Server.mount`` says."""
        self._check_usable()
        return self._mounts.mount(add, servicer, **settings)

    def _check_usable(self) -> None:
        if self.stopping:
            raise RuntimeError("this server has stopped, and mounts nothing: make another")
        if not self._networked:
            raise ValueError(
                "this server listens to no network, where generated services are called: give it "
                "an address"
            )

    def add(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """As grpc.Server#add_generic_rpc_handlers."""
        self._check_usable()
        self._mounts.add(handlers)

    def register(self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler]) -> None:
        """As grpc.Server#add_registered_method_handlers."""
        self._mounts.register(service, handlers)

    @property
    def mounted(self) -> list[str]:
        return self._mounts.names

    # What comes in

    def service(self, details: Any) -> grpc.RpcMethodHandler | None:
        """For gRPC: who answers this path."""
        target: Target | None = self._mounts.find(details)
        if target is None and self._typed is not None:
            target = self._typed.find(details.method, details.invocation_metadata)
        if target is not None:
            return self._handler(target)
        if self._typed is None and not self._mounts:
            return None
        missing = Unimplemented(self._missing(details), sent=Sent.NOT_EXECUTED)
        return _refusal(Outcome.refused(missing))

    def _missing(self, details: Any) -> str:
        known = self._mounts.missing(details.method)
        if known is not None:
            return known
        more = self._mounts.names
        if self._typed is None:
            return f"there is no {details.method}; there are: {', '.join(more)}"
        told = self._typed.missing(details.method, details.invocation_metadata)
        return f"{told}; mounted: {', '.join(more)}" if more else told

    def _handler(self, target: Target) -> grpc.RpcMethodHandler:
        method = target.method

        async def answer(request: Any, context: Any) -> bytes | None:
            return await self._serve(target, request, context)

        return _HANDLERS[bool(method.streamed), method.yields](answer)

    async def _serve(self, target: Target, request: Any, context: Any) -> bytes | None:
        if self.stopping:
            stopping = Unavailable(self.stopping, sent=Sent.NOT_EXECUTED)
            return await _end(context, Outcome.refused(stopping))
        if self._share.full():
            named = f"{target.method.service}.{target.method.name}"
            return await _end(context, Outcome.refused(self._share.refusal(named)))
        call = Call(target, context, request, self.local_address)
        call.task = task = asyncio.create_task(self._answer(call), name="facade-call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            outcome = await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                call.end(cancelled=True)
                return await _end(context, self._why_cancelled(call))
            call.end(cancelled=True)
            # gRPC cancels for both: a caller who left, and one whose time is up. What nobody
            # reads any more need not go on, a single answer may.
            if target.method.streaming or not call.ran_out():
                task.cancel()
            raise
        call.end()
        return await _end(context, outcome)

    async def _answer(self, call: Call) -> Outcome:
        outcome = await call.answer()
        if of_this_task():
            _log_swallowed(call)
        return outcome

    def _why_cancelled(self, call: Call) -> Outcome:
        if self.stopping:
            text = f"{call.invocation}: {self.stopping}"
            return Outcome(None, Status.UNAVAILABLE, text)
        text = f"{call.invocation} was cancelled at the provider"
        return Outcome(None, Status.CANCELLED, text)

    async def drain(self, reason: str, grace: float) -> None:
        """Let the calls under way end for ``grace`` seconds, then end them."""
        self.stopping = reason

        def overdue() -> None:
            self.stopping = f"{reason}, and the call had not ended after {grace:g} s"

        await let_end(self._tasks, grace, overdue)


def _refusal(outcome: Outcome) -> grpc.RpcMethodHandler:
    async def refuse(request: Any, context: Any) -> None:
        await _end(context, outcome)

    # It reads nothing, so it fits a call of any kind.
    return grpc.stream_stream_rpc_method_handler(refuse)


async def _end(context: Any, outcome: Outcome) -> bytes | None:
    if outcome.status is not Status.OK:
        with suppress(grpc.aio.InternalError):  # its caller is gone
            await context.abort(grpc_status(outcome.status), outcome.message, outcome.trailing)
    if outcome.trailing:
        context.set_trailing_metadata(outcome.trailing)
    return outcome.data


def _log_swallowed(call: Call) -> None:
    """It was cancelled, and answered all the same: say whose fault it is."""
    who = swallowers(call.target.invoker)
    if INTERRUPTED not in call.invocation.attributes:
        who = f"its method, or {who}" if who else "its method"
    logger.warning(
        "%s was cancelled, and answered all the same: %s swallowed CancelledError; "
        "catch Exception instead, or raise it again",
        call.invocation,
        who,
    )
