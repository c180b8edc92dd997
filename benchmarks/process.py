"""One side of a comparison in a process of its own, pinned to a core.

A provider prints its port. A consumer reads rounds from its input, "in_flight seconds", say,
and prints what came of each, as JSON: calls per second, or what its question wants.
"""

import asyncio
import contextlib
import importlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from benchmarks.contenders import CONSUMERS, PROVIDERS

Measure = Callable[..., Any]

# Which event loop the processes make: "asyncio" or "uvloop". Inherited, so that both ends of
# both sides have the same, whoever makes it.
LOOP = "BENCHMARKS_LOOP"

# Seconds for one round. One of 40 is the longest that there is.
PATIENCE = 120


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
        if line:
            self.tell(line)
        return self.hear()

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def hear(self, patience: float = PATIENCE) -> str:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], patience)[0]:
            raise RuntimeError(f"{self._process.args!r}: nothing for {patience:g} s")
        answer = self._process.stdout.readline()
        if not answer:
            raise self._ended()
        return answer.strip()

    def _ended(self) -> RuntimeError:
        return RuntimeError(f"{self._process.args!r} ended: see its output above")

    def measure(self, *numbers: float, patience: float = PATIENCE) -> Any:
        """One round. RuntimeError where it takes longer than that, in seconds."""
        self.tell(" ".join(map(str, numbers)))
        return json.loads(self.hear(patience))

    def resident(self) -> int:
        """Bytes of memory that it has now. (Linux)"""
        with open(f"/proc/{self._process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # of a line that it did not take
                    pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()


def cores() -> tuple[int | None, int | None]:
    """One for the consumer and one for the provider, where the system can pin."""
    if not hasattr(os, "sched_setaffinity"):
        return None, None
    available = sorted(os.sched_getaffinity(0))
    return (available[0], available[1]) if len(available) > 1 else (None, None)


def choose_loop() -> None:
    """In a process of a side, before it makes a loop."""
    if os.environ.get(LOOP) == "uvloop":
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    else:
        # Ours takes uvloop where it finds it.
        sys.modules["uvloop"] = None  # type: ignore[assignment]


def _rounds(measure: Measure) -> None:
    for line in sys.stdin:
        print(json.dumps(measure(*map(float, line.split()))), flush=True)


def _find(place: str) -> Any:
    module, _, function = place.partition(":")
    return getattr(importlib.import_module(f"benchmarks.{module}"), function)


def main(core: str, role: str, name: str, port: str = "0") -> None:
    if core:
        os.sched_setaffinity(0, {int(core)})
    choose_loop()
    if role == "provider":
        _find(PROVIDERS[name])(lambda port: print(port, flush=True))
    else:
        _find(CONSUMERS[name][1])(int(port), _rounds)


if __name__ == "__main__":
    main(*sys.argv[1:])
