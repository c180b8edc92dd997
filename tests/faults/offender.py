"""A consumer that does its worst: python -m tests.faults.offender PORT MODE

It makes calls and cancels them as fast as it can, in frames of its own making, until it is
thrown out. MODE "together": each call with its cancel in the same frame; "apart": a frame of
calls, then a frame of their cancels. It prints what it was thrown out with, how many calls it
made, and how long that took.
"""

import asyncio
import json
import sys
from time import monotonic

import grpc.aio

from facade.codec import encode_plain
from facade.exchange.envelope import Envelope, Frame

PAIRS = 100


def frames(first: int, mode: str) -> list[bytes]:
    calls, cancels = [], []
    for id in range(first, first + 2 * PAIRS, 2):
        call = Envelope(id=id)
        call.invocation.service = "faults.Slow"
        call.invocation.method = "work"
        call.invocation.msgpack = encode_plain(())
        calls.append(call)
        cancel = Envelope(id=id)
        cancel.cancel.reason = "just so"
        cancels.append(cancel)
    if mode == "apart":
        parts = [calls, cancels]
    else:
        parts = [[each for pair in zip(calls, cancels, strict=True) for each in pair]]
    return [Frame(envelopes=part).SerializeToString() for part in parts]


async def drop(stream: grpc.aio.StreamStreamCall) -> None:
    while await stream.read() is not grpc.aio.EOF:
        pass


async def offend(port: int, mode: str) -> dict[str, object]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stream = channel.stream_stream("/facade.v1.Facade/Exchange")()
        setup = Envelope()
        setup.setup.version = 1
        await stream.write(Frame(envelopes=[setup]).SerializeToString())
        reading = asyncio.ensure_future(drop(stream))
        start, first = monotonic(), 1
        try:
            while not reading.done():
                for frame in frames(first, mode):
                    await stream.write(frame)
                first += 2 * PAIRS
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass
        await asyncio.wait([reading])
        reading.exception()
        return {
            "status": (await stream.code()).name,
            "details": await stream.details(),
            "calls": first // 2,
            "seconds": monotonic() - start,
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(offend(int(sys.argv[1]), sys.argv[2]))))
