"""How long does it take to begin, on top of grpc's own: ``import facade``, the first call?

Each round is a fresh process. The first call is timed from making the client to the answer, beside
the same with a channel of grpc.aio.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.bench import Bench, Line, line_of

ROUNDS = 11


def lines(bench: Bench) -> Iterator[Line]:
    rounds = min(ROUNDS, bench.effort.rounds)
    yield line_of("import ms", [_run(bench, "import") for _ in range(rounds)], "ms")
    ports = [bench.port("facade"), bench.port("bare-aio")]
    differences = []
    for _ in range(rounds):
        ours, theirs = _run(bench, "facade", ports[0]), _run(bench, "bare", ports[1])
        differences.append(ours - theirs)
    yield line_of("first call ms", differences, "ms")


def _run(bench: Bench, *arguments: str) -> float:
    def pin() -> None:
        if bench.near is not None:
            os.sched_setaffinity(0, {bench.near})

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.first", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=pin,
    )
    return float(done.stdout)
