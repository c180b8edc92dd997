"""Which source files change."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

# Seconds between two looks.
INTERVAL = 0.5

Seen = dict[str, int]


async def changes(folder: str, before: Seen) -> AsyncIterator[str]:
    """The name of a .py file under ``folder``, each time that one or more came, went, or were
    written since ``before``. Hidden folders and virtual environments are passed over."""
    while True:
        await asyncio.sleep(INTERVAL)
        now = await asyncio.to_thread(look, folder)
        changed = sorted(path for path, _ in before.items() ^ now.items())
        before = now
        if changed:
            yield changed[0].removeprefix(folder + os.sep)


def look(folder: str) -> Seen:
    """When each was written last."""
    seen: Seen = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not _passed_over(Path(place, f))]
        for file in files:
            if file.endswith(".py"):
                path = os.path.join(place, file)
                try:
                    seen[path] = os.stat(path).st_mtime_ns
                except OSError:  # it went meanwhile
                    continue
    return seen


def _passed_over(folder: Path) -> bool:
    return (
        folder.name.startswith(".")
        or folder.name in ("__pycache__", "node_modules")
        or (folder / "pyvenv.cfg").exists()
    )
