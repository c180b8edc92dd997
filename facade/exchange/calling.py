"""One call over a stream that is there."""

import asyncio
from collections.abc import Callable

from facade.codec import CallingCodec, Payload
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.switch import SENT
from facade.exchange.envelope import read_result
from facade.exchange.multiplexer import Multiplexer


async def call(
    calls: Multiplexer,
    invocation: Invocation,
    payload: Payload,
    unsent: Callable[[], None] = lambda: None,
) -> Result:
    """Send it, and wait where something comes back. Its codec reads the answer.

    ``unsent`` is told of a call that was cancelled before it went.
    """
    invocation.remote_address = calls.remote_address
    if invocation.oneway:
        if invocation.attachments.get(SENT) == "true":
            return await post(calls, invocation, payload, unsent)
        return calls.tell(invocation, payload)
    codec: CallingCodec = invocation.codec
    future = calls.loop.create_future()
    pending = calls.begin(invocation, payload, future)
    try:
        wire = await future
    except asyncio.CancelledError:
        calls.give_up(pending)
        if pending.sent_at is None:
            unsent()
        raise
    answer, result = read_result(wire, invocation, calls.limits)
    if answer is not None:
        result.value = codec.decode_result(answer)
    return result


async def post(
    calls: Multiplexer,
    invocation: Invocation,
    payload: Payload,
    unsent: Callable[[], None] = lambda: None,
) -> Result:
    """Send a oneway call, and wait until it is written. ``unsent``: see ``call``."""
    future = calls.loop.create_future()
    call = calls.post(invocation, payload, future)
    try:
        await future
    except asyncio.CancelledError:
        calls.give_up(call)
        if call.sent_at is None:
            unsent()
        raise
    return Result()
