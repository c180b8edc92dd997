"""How fast a call is, beside what it stands on, and beside what else there is.

    python -m benchmarks [QUESTION ...] [--quick | --rough | --smoke]
                         [--loop uvloop] [--record FILE]

Consumer and provider are a process each, pinned to a core each, with the same event loop on both
sides of a comparison. The sides take turns in short rounds: a figure is the median of those of
neighbouring rounds, and what encloses half of them is its spread. It ends with one line for each
figure, `name value`, for a program to read.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import (
    calls,
    conns,
    full,
    hol,
    latency,
    layers,
    limit,
    memory,
    oneway,
    peers,
    scale,
    size,
    start,
    stream,
    workers,
)
from benchmarks.bars import BARS
from benchmarks.bench import FULL, QUICK, ROUGH, SMOKE, Bench, Effort, Line, note
from benchmarks.record import Record, facts

QUESTIONS: dict[str, Callable[[Bench], Iterator[Line]]] = {
    "aio": calls.lines_aio,
    "sync": calls.lines_sync,
    "limit": limit.lines,
    "future": calls.lines_future,
    "size": size.lines,
    "stream": stream.lines,
    "oneway": oneway.lines,
    "latency": latency.lines,
    "hol": hol.lines,
    "scale": scale.lines,
    "conns": conns.lines,
    "workers": workers.lines,
    "memory": memory.lines,
    "start": start.lines,
    "full": full.lines,
    "peers": peers.lines,
}
IN_QUICK = ("aio", "sync", "limit")
EFFORTS: dict[str, Effort] = {"full": FULL, "quick": QUICK, "rough": ROUGH, "smoke": SMOKE}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=", ".join(QUESTIONS))
    efforts = parser.add_mutually_exclusive_group()
    for effort, text in (
        ("quick", f"{', '.join(IN_QUICK)}, in a minute"),
        ("rough", "everything, in a few minutes"),
        ("smoke", "everything, to see that it runs"),
    ):
        efforts.add_argument(
            f"--{effort}", dest="effort", action="store_const", const=effort, help=text
        )
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    parser.add_argument("--record", type=Path, help="a file for the figures, as JSON")
    options = parser.parse_args()
    unknown = set(options.questions) - set(QUESTIONS)
    if unknown:
        parser.error(f"no such question: {', '.join(sorted(unknown))}")
    effort = options.effort or "full"
    if effort == "smoke":  # on a machine that may be busy
        os.environ["BENCHMARKS_DEADLINE"] = "30"
    every = IN_QUICK if effort == "quick" else tuple(QUESTIONS)
    chosen: list[str] = options.questions or list(every)
    begun = time.monotonic()
    record = ask(Bench(EFFORTS[effort], options.loop), chosen, options.loop, effort)
    if options.record:
        record.write(options.record)
    note(f"\n{time.monotonic() - begun:.0f} s\n")
    for line in record.lines.values():
        note(str(line))
    if record.failed:
        raise SystemExit(f"FAILED: {', '.join(record.failed)}")


def ask(bench: Bench, chosen: list[str], loop: str, effort: str) -> Record:
    record = Record(facts(loop, effort, bench.near is not None))
    pinned = "a core each" if bench.near is not None else "NOT pinned"
    packages = ", ".join(f"{name} {found}" for name, found in record.facts["packages"].items())
    note(f"Python {record.facts['python']}, {loop}, {pinned}; {packages}")
    try:
        for name in chosen:
            try:
                for line in QUESTIONS[name](bench):
                    record.add(line)
                    note(told(line))
            except RuntimeError as error:  # the others are worth having
                note(f"{name}: FAILED: {error}")
                record.failed.append(name)
                bench.rest()
            if effort != "smoke":
                bench.rest()
    finally:
        bench.rest()
    if effort != "quick":
        record.layers = layers.measure(bench.effort)
        note("\n" + layers.table(record.layers))
    return record


def told(line: Line) -> str:
    bar = BARS.get(line.name)
    return line.told() + (f"   NOT {bar}" if bar and not bar.met(line.value) else "")


if __name__ == "__main__":
    main()
