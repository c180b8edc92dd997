"""One side of a comparison in a process of its own, pinned to a core.

A provider prints its port. A consumer reads rounds from its input, "in_flight seconds",
and prints calls per second for each.
"""

import os
import subprocess
import sys
from types import TracebackType
from typing import Self

from benchmarks.contenders import CONSUMERS, PROVIDERS, Measure


class Process:
    """Started now, ended with the block; talks in lines."""

    def __init__(self, *arguments: str, core: int | None) -> None:
        pin = "" if core is None else str(core)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.process", pin, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: str = "") -> str:
        """Send a line (if any), and wait for one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if line:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._process.args!r} ended: see its output above")
        return answer.strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def cores() -> tuple[int | None, int | None]:
    """One for the consumer and one for the provider, where the system can pin."""
    if not hasattr(os, "sched_setaffinity"):
        return None, None
    available = sorted(os.sched_getaffinity(0))
    return (available[0], available[1]) if len(available) > 1 else (None, None)


def _rounds(measure: Measure) -> None:
    for line in sys.stdin:
        in_flight, seconds = line.split()
        print(measure(int(in_flight), float(seconds)), flush=True)


def main(core: str, role: str, name: str, port: str = "0") -> None:
    if core:
        os.sched_setaffinity(0, {int(core)})
    if role == "provider":
        PROVIDERS[name](lambda port: print(port, flush=True))
    else:
        CONSUMERS[name][1](int(port), _rounds)


if __name__ == "__main__":
    main(*sys.argv[1:])
