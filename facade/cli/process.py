"""A worker, as its parent sees it."""

import asyncio
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic

import msgspec

from facade.cli.report import Report

# Bytes of a report.
LONGEST_LINE = 2**24


Told = Callable[["Process", Report], None]


class Process:
    """It ends when its parent does, as the socket between them then ends. ``told`` gets each report
    of it: the first when it serves, another when it has something else to announce."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        told: Told,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._began = monotonic()
        self._ended: float | None = None
        self._first: asyncio.Future[Report | None] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read(told), name="facade-worker")

    @classmethod
    async def start(
        cls, command: list[str], told: Told, environment: Mapping[str, str] | None = None
    ) -> "Process":
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours, limit=LONGEST_LINE)
            try:
                process = await asyncio.create_subprocess_exec(
                    *(*command, "--line", str(theirs.fileno())),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env=environment,
                    process_group=0,  # so that Ctrl-C is the parent's to answer
                )
            except BaseException:
                writer.close()
                raise
        return cls(process, reader, writer, told)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def age(self) -> float:
        """Seconds that it has lived."""
        return (self._ended or monotonic()) - self._began

    async def ready(self) -> Report | None:
        """What it serves, once it does. None if it ended instead."""
        return await asyncio.shield(self._first)

    async def _read(self, told: Told) -> None:
        try:
            while (line := await self._reader.readline()).endswith(b"\n"):
                report = msgspec.json.decode(line, type=Report)
                told(self, report)
                if not self._first.done():
                    self._first.set_result(report)
        except OSError:
            pass  # it has ended
        finally:
            if not self._first.done():
                self._first.set_result(None)

    async def wait(self) -> int:
        """Until it has ended; its exit code, or the number of a signal, negative."""
        code = await self._process.wait()
        self._ended = self._ended or monotonic()
        self._writer.close()
        await asyncio.wait((self._reading,))  # it says nothing more
        return code

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)


def told(code: int) -> str:
    """How a process ended."""
    if code >= 0:
        return f"exit code {code}"
    # Of those for real time only two have names.
    return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
