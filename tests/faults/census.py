"""What a process has open: to be the same before and after a scenario."""

import asyncio
import gc
import os
import threading
from dataclasses import asdict, dataclass


@dataclass
class Census:
    """``tasks``: of the running loop. ``objects``: that the collector knows, and that something
    still refers to. ``memory``: resident, in KiB."""

    tasks: int
    threads: int
    descriptors: int
    objects: int
    memory: int

    @classmethod
    def take(cls) -> "Census":
        gc.collect()
        return cls(
            tasks=_tasks(),
            threads=threading.active_count(),
            descriptors=len(os.listdir("/proc/self/fd")),
            objects=len(gc.get_objects()),
            memory=memory(),
        )

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:  # no loop runs here
        return 0


def memory(pid: int | str = "self") -> int:
    """Resident, in KiB."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
