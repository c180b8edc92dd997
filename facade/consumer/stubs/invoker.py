"""The inner end of the chain of a stub's calls."""

from facade.core.context import override
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.exchange.native import Answers, NativeCall
from facade.exchange.overdue import time_left
from facade.exchange.transport import GrpcTransport


class StubInvoker:
    """Sends each call as the gRPC call that its stub would have made.

    The result of a method that yields is there at once, and its attachments fill as metadata
    come, the last at the end of the stream.
    """

    def __init__(self, transport: GrpcTransport) -> None:
        self._transport = transport

    @property
    def available(self) -> bool:
        return self._transport.available

    async def invoke(self, invocation: Invocation) -> Result:
        override(invocation)
        if invocation.countdown is None:
            invocation.start_countdown()
        stub = invocation.codec
        call = NativeCall(
            self._transport,
            stub.rpc,
            invocation,
            invocation.arguments[0],
            untouched=stub.metadata,
            headers=await self._transport.shown(time_left(invocation.countdown)),
            options=stub.options,
        )
        stub.begun(call)
        if stub.rpc.yields:
            return Result(Answers(call), attachments=call.attachments)
        return await call.result()

    def __repr__(self) -> str:
        return f"StubInvoker({self._transport.target!r})"
