"""One call over a stream that is there."""

import asyncio
from collections.abc import Callable

from facade.codec import CallingCodec, Payload
from facade.core.errors import DeadlineExceeded, Sent
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.switch import SENT
from facade.exchange.envelope import read_result
from facade.exchange.multiplexer import Multiplexer
from facade.exchange.pending import PendingCall

# Told of a call that nobody waits for, where it did not go, or once it turns out to be refused.
Untaken = Callable[[Sent], None]


async def call(
    calls: Multiplexer,
    invocation: Invocation,
    payload: Payload,
    untaken: Untaken | None = None,
) -> Result:
    """Send it, and wait where something comes back. Its codec reads the answer.

    ``untaken`` is not told where this raises an error that was not sent, or not executed.
    """
    invocation.remote_address = calls.remote_address
    if invocation.oneway:
        if invocation.attachments.get(SENT) == "true":
            return await post(calls, invocation, payload, untaken)
        return calls.tell(invocation, payload)
    codec: CallingCodec = invocation.codec
    future = calls.loop.create_future()
    pending = calls.begin(invocation, payload, future)
    try:
        wire = await future
    except asyncio.CancelledError:
        calls.give_up(pending)
        if untaken is not None:
            _given_up(calls, pending, untaken)
        raise
    except DeadlineExceeded:
        if untaken is not None and pending.sent_at is not None:
            _given_up(calls, pending, untaken)
        raise
    answer, result = read_result(wire, invocation, calls.limits)
    if answer is not None:
        result.value = codec.decode_result(answer)
    return result


async def post(
    calls: Multiplexer,
    invocation: Invocation,
    payload: Payload,
    untaken: Untaken | None = None,
) -> Result:
    """Send a oneway call, and wait until it is written. ``untaken``: see ``call``."""
    future = calls.loop.create_future()
    call = calls.post(invocation, payload, future)
    try:
        await future
    except asyncio.CancelledError:
        calls.give_up(call)
        if untaken is not None and call.sent_at is None:
            untaken(Sent.NOT_SENT)
        raise
    return Result()


def _given_up(calls: Multiplexer, pending: PendingCall, untaken: Untaken) -> None:
    if pending.sent_at is None:
        untaken(Sent.NOT_SENT)
    else:
        calls.when_refused(pending, untaken)
