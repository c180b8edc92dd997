"""How fast it is, beside what it stands on."""

import os
from contextlib import ExitStack
from statistics import median

from benchmarks.contenders import CONSUMERS
from benchmarks.process import Process, cores
from examples.tour.page import expect

IN_FLIGHT = (1, 16, 256)
ROUNDS = 6
SECONDS = 0.22


def compare() -> None:
    """Speed

    Each side echoes 64 bytes with two attachments and a deadline: bare grpc.aio, one gRPC
    call each, and facade with its default filters on both ends, many on one stream. The
    sides alternate in short rounds, each process on a core of its own where there are two.
    For more than an impression, run `make bench`.
    """
    os.environ.setdefault("BENCHMARKS_DEADLINE", "30")  # the machine may be busy
    near, far = cores()
    with ExitStack() as stack:
        consumers = {}
        for name in ("bare-aio", "facade-aio"):
            provider = stack.enter_context(Process("provider", CONSUMERS[name][0], core=far))
            consumer = Process("consumer", name, provider.ask(), core=near)
            consumers[name] = stack.enter_context(consumer)
        print(f"  {'calls at once':>13}  {'bare grpc.aio':>16}  {'facade':>16}   ratio")
        for in_flight in IN_FLIGHT:
            _line(in_flight, consumers["bare-aio"], consumers["facade-aio"])


def _line(in_flight: int, bare: Process, ours: Process) -> None:
    rounds = []
    for _ in range(ROUNDS):
        line = f"{in_flight} {SECONDS}"
        rounds.append((float(bare.ask(line)), float(ours.ask(line))))
    del rounds[0]  # to get warm
    theirs, mine = (median(rates) for rates in zip(*rounds, strict=True))
    ratio = median(b / a for a, b in rounds)
    print(f"  {in_flight:13}  {theirs:14,.0f}/s  {mine:14,.0f}/s  {ratio:5.1f}x")
    expect(theirs > 0 and mine > 0, "both sides answered")
