"""A list in a file, which may be replaced."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from facade.registry.listing import check_suffix, read
from facade.registry.polling import PolledList
from facade.registry.provider import Provider
from facade.registry.target import Target, expected


class FileRegistry(PolledList):
    """The list of ``file:///path/providers.json``. It looks every ``interval`` seconds (1)
    whether the file is another one; write a new one beside it, and rename it over the old."""

    def __init__(self, target: Target) -> None:
        target.check(("interval",))
        if target.hosts:
            raise ValueError(
                f"{target.place!r}: a file has no host: {expected('file')}, with three slashes"
            )
        if not target.path:
            raise ValueError(f"{target.place!r} names no file: {expected('file')}")
        check_suffix(target.path)
        interval = target.seconds("interval", 1.0)
        super().__init__(target.place, self._read_file, interval, interval)
        self._path = target.path
        self._seen: tuple[int, ...] = ()

    async def _read_file(self) -> Sequence[Provider] | None:
        # Who waits for the thread may have left: the list is known only where it comes back.
        found, self._seen = await asyncio.to_thread(self._read_new)
        return found

    def _read_new(self) -> tuple[Sequence[Provider] | None, tuple[int, ...]]:
        """None where it is the file that was read before; and which one it is."""
        with Path(self._path).open(encoding="utf-8") as file:
            state = os.fstat(file.fileno())
            seen = (state.st_ino, state.st_mtime_ns, state.st_size)
            if seen == self._seen:
                return None, seen
            return read(file.read(), self._path), seen
