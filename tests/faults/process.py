"""A provider process that a scenario may kill, freeze and start again."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.faults.busy import Moment, end_of
from tests.faults.work import read_journal
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


class Provider:
    """Of tests/faults/provider.py. It comes back at the port where it was."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._journal = folder / "journal"
        self._log = folder / "log"
        self._process: subprocess.Popen[str] | None = None
        self.port = free_port()
        folder.mkdir()

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def journal(self) -> list[str]:
        """The ids of the calls that began, of all its lives."""
        return read_journal(self._journal)

    @property
    def log(self) -> str:
        return self._log.read_text()

    async def start(self) -> None:
        """Until it listens."""
        settings = {"address": f"127.0.0.1:{self.port}", **self._settings}
        line = await asyncio.to_thread(self._launch, json.dumps(settings))
        assert line == f"listening at {self.port}\n", self.log

    def _launch(self, settings: str) -> str:
        """The first line that it prints, or "" where it ended before."""
        command = [sys.executable, "-m", "tests.faults.provider", str(self._journal), settings]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """At once, as a crash."""
        self.send(signal.SIGKILL)

    def freeze(self) -> None:
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def terminate(self) -> None:
        """Stop in peace."""
        self.send(signal.SIGTERM)

    async def wait(self, timeout: float = 30.0) -> int:
        """Until it has ended: its exit code."""
        assert self._process is not None
        code = await asyncio.to_thread(self._process.wait, timeout)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    async def stop(self) -> Moment:
        """In peace: when it had ended."""
        assert self._process is not None
        self.terminate()
        end = await asyncio.to_thread(end_of, self._process)
        assert await self.wait() == 0, self.log
        return end

    async def end(self) -> None:
        """Whatever state it is in."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self.kill()
        await self.wait()
