"""Times on a busy machine: without those when others had all its processors, and more than once."""

import os
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from time import monotonic

from tests.short import PATIENCE


@dataclass
class Moment:
    """``waited``: seconds that a process's main thread had had something to do by then, and no
    processor to do it on."""

    at: float
    waited: float

    @classmethod
    def now(cls, pid: int) -> "Moment":
        """Of one that has ended, too, until it is waited for."""
        with open(f"/proc/{pid}/schedstat") as file:
            return cls(monotonic(), int(file.read().split()[1]) / 1e9)

    def since(self, other: "Moment") -> float:
        """Seconds, but for those that it waited."""
        return self.at - other.at - (self.waited - other.waited)


def end_of(process: "subprocess.Popen[str]") -> Moment:
    """Blocks until it has ended."""
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    end = Moment.now(process.pid)
    process.wait()
    return end


async def usual(measure: Callable[[], Awaitable[float]], bound: float) -> float:
    """What it measures, in seconds. Where that is not within ``bound``, the median of three: a
    machine that stands still for a moment does so once."""
    took = await measure()
    return took if took <= bound * PATIENCE else median([took, await measure(), await measure()])
