"""A consumer that does its worst: python -m tests.faults.offender PORT MODE

It makes calls and cancels them as fast as it can, in frames of its own making, until it is
thrown out. MODE "together": each call with its cancel in the same frame; "apart": a frame of
calls, then a frame of their cancels; "alone": each call and each cancel in a frame of its own.
It prints what it was thrown out with, how many calls it made, and how long that took.
"""

import contextlib
import json
import sys
from collections.abc import Iterator
from time import monotonic

import grpc

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
    elif mode == "alone":
        parts = [[each] for pair in zip(calls, cancels, strict=True) for each in pair]
    else:
        parts = [[each for pair in zip(calls, cancels, strict=True) for each in pair]]
    return [Frame(envelopes=part).SerializeToString() for part in parts]


def offend(port: int, mode: str) -> dict[str, object]:
    made = 0

    def requests() -> Iterator[bytes]:
        nonlocal made
        setup = Envelope()
        setup.setup.version = 1
        yield Frame(envelopes=[setup]).SerializeToString()
        while True:
            yield from frames(2 * made + 1, mode)
            made += PAIRS

    start = monotonic()
    # Not grpc.aio: its callers learn of an internal error where they write to what has ended.
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.stream_stream("/facade.v1.Facade/Exchange")(requests())
        with contextlib.suppress(grpc.RpcError):
            for _ in call:
                pass
        return {
            "status": call.code().name,
            "details": call.details(),
            "calls": made,
            "seconds": monotonic() - start,
        }


if __name__ == "__main__":
    print(json.dumps(offend(int(sys.argv[1]), sys.argv[2])))
