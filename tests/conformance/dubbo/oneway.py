"""A service with oneway calls, and what it was called for."""

import asyncio

import facade


@facade.service("oneway.Log")
class Log:
    @facade.method(oneway=True)
    async def note(self, line: str) -> None: ...

    @facade.method(oneway=True, sent=True)
    async def keep(self, line: str) -> None: ...

    async def add(self, line: str) -> int: ...


class LogImpl(Log):
    """Notes how it was called."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def note(self, line: str) -> None:
        self.calls.put_nowait(("note", line))

    async def keep(self, line: str) -> None:
        self.calls.put_nowait(("keep", line))

    async def add(self, line: str) -> int:
        self.calls.put_nowait(("add", line))
        return 7
