"""What the providers of the fault scenarios export."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import facade
from tests.faults.census import Census


@facade.service("faults.Work")
class Work:
    @facade.method(idempotent=True)
    async def echo(self, text: str) -> str: ...
    async def work(self, id: str, seconds: float) -> str: ...
    async def hang(self, id: str) -> str: ...
    async def block(self, seconds: float) -> None: ...
    async def in_thread(self, id: str, seconds: float) -> str: ...
    @facade.method(oneway=True)
    async def tell(self, id: str) -> None: ...
    @facade.method(cancel_on_timeout=True)
    async def stopping(self, id: str, seconds: float) -> str: ...
    def count(self, upto: int) -> AsyncIterator[int]: ...
    async def narrow(self, seconds: float) -> None: ...
    async def fail(self, text: str) -> None: ...
    async def call_back(self, text: str, listener: Callable[[str], str]) -> str: ...
    async def census(self) -> dict[str, int]: ...
    async def pid(self) -> int: ...


class WorkImpl(Work):
    """Each call but echo, block and count leaves its id in the journal when it begins."""

    def __init__(self, journal: str, server: facade.Server) -> None:
        # Written unbuffered, a line at once: a killed process has left all that it began.
        self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._server = server
        self.running = 0
        self._narrow = asyncio.Semaphore(16)

    def _begin(self, id: str) -> None:
        os.write(self._journal, f"{id}\n".encode())

    async def echo(self, text: str) -> str:
        return text

    async def work(self, id: str, seconds: float) -> str:
        self._begin(id)
        self.running += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self.running -= 1
        return id

    stopping = work

    async def hang(self, id: str) -> str:
        return await self.work(id, 3600.0)

    async def block(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - a method that should not do it

    def in_thread(self, id: str, seconds: float) -> str:  # type: ignore[override]
        self._begin(id)
        time.sleep(seconds)
        return id

    async def tell(self, id: str) -> None:
        self._begin(id)

    async def count(self, upto: int) -> AsyncIterator[int]:
        for number in range(upto):
            yield number

    async def narrow(self, seconds: float) -> None:
        """As many at once as there are connections to a database, say: 16."""
        async with self._narrow:
            await asyncio.sleep(seconds)

    async def fail(self, text: str) -> None:
        raise ValueError(text)

    async def call_back(self, text: str, listener: Callable[[str], str]) -> str:
        """What the caller himself makes of it. The second that a callback has by itself is
        shorter than a busy machine may stand still."""
        return await listener.options(timeout=20.0)(text)  # type: ignore[attr-defined]

    async def census(self) -> dict[str, int]:
        """Of the provider's process; ``running``: calls of work, stopping and hang; ``pending``:
        all calls, and this one."""
        counted = Census.take().as_dict()
        return {
            **counted,
            "connections": len(self._server._streams.connections),
            "running": self.running,
            "pending": sum(len(c.answers) for c in self._server._streams.connections),
        }

    async def pid(self) -> int:
        return os.getpid()


def read_journal(path: Path) -> list[str]:
    """The ids of all calls that began, in order."""
    return path.read_text().split() if path.exists() else []
