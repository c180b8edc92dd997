"""How long does it take to begin, on top of grpc's own: ``import facade``, the first call?

Each round is a fresh process, where all modules have been compiled before, as pip does. The first
call is timed from making the client to the answer, beside the same with a channel of grpc.aio.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from tempfile import TemporaryDirectory

from benchmarks.bench import Bench, Line, line_of

ROUNDS = 11


def lines(bench: Bench) -> Iterator[Line]:
    rounds = min(ROUNDS, bench.effort.rounds)
    ours, theirs = bench.port("facade"), bench.port("bare-aio")
    with TemporaryDirectory() as compiled:
        run = partial(_run, bench, compiled)
        for arguments in (["import"], ["facade", ours], ["bare", theirs]):
            run(*arguments)
        yield line_of("import ms", [run("import") for _ in range(rounds)], "ms")
        differences = [run("facade", ours) - run("bare", theirs) for _ in range(rounds)]
        yield line_of("first call ms", differences, "ms")


def _run(bench: Bench, compiled: str, *arguments: str) -> float:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def pin() -> None:
        if bench.near is not None:
            os.sched_setaffinity(0, {bench.near})

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.first", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=pin,
        env=environment,
    )
    return float(done.stdout)
