"""A worker, as its parent sees it."""

import asyncio
import signal
import socket
from contextlib import suppress
from time import monotonic

import msgspec

from facade.cli.report import Report

# Bytes of a report.
LONGEST_LINE = 2**24


class Process:
    """It ends when its parent does, as the socket between them then ends."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._began = monotonic()
        self._ended: float | None = None

    @classmethod
    async def start(cls, command: list[str]) -> "Process":
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours, limit=LONGEST_LINE)
            try:
                process = await asyncio.create_subprocess_exec(
                    *(*command, "--line", str(theirs.fileno())),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    process_group=0,  # so that Ctrl-C is the parent's to answer
                )
            except BaseException:
                writer.close()
                raise
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def age(self) -> float:
        """Seconds that it has lived."""
        return (self._ended or monotonic()) - self._began

    async def ready(self) -> Report | None:
        """What it serves, once it does. None if it ended instead."""
        line = b""
        with suppress(OSError):
            line = await self._reader.readline()
        return msgspec.json.decode(line, type=Report) if line.endswith(b"\n") else None

    async def wait(self) -> int:
        """Until it has ended; its exit code, or the number of a signal, negative."""
        code = await self._process.wait()
        self._ended = self._ended or monotonic()
        self._writer.close()
        return code

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)


def told(code: int) -> str:
    """How a process ended."""
    return f"exit code {code}" if code >= 0 else f"{signal.Signals(-code).name}"
