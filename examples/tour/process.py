"""A provider in a process of its own."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from types import TracebackType
from typing import Self

# Seconds: far more than a start or a stop takes.
PATIENCE = 30.0


class Provider:
    """Started and ended with the block; in between it may be killed and started again."""

    def __init__(self, role: str, *arguments: str) -> None:
        self.port = ""
        self._command = [sys.executable, "-m", "examples.tour.provider", role, *arguments]
        self._process: Process | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Wait until it listens: at a free port, or at the one that it had before."""
        arguments = [*self._command, self.port] if self.port else self._command
        self._process = await asyncio.create_subprocess_exec(*arguments, stdin=PIPE, stdout=PIPE)
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE)
        if not line:
            raise RuntimeError(f"{' '.join(arguments)} did not start: see above")
        self.port = line.decode().strip()

    async def kill(self) -> None:
        """End it without a chance to say anything."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    def terminate(self) -> None:
        assert self._process is not None
        self._process.terminate()

    async def wait(self) -> int:
        """Its exit code."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), PATIENCE)

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._end()

    async def _end(self) -> None:
        if self._process is not None and self._process.returncode is None:
            await self.kill()
