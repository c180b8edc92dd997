"""A process of ``facade serve``, and what it serves."""

import os
import signal

APP = """
import asyncio
import os

import facade

ANSWER = "old"


@facade.service("demo.Worker", timeout=30.0)
class Worker:
    async def pid(self) -> int: ...
    async def answer(self) -> str: ...
    async def wait(self) -> str: ...


class WorkerImpl(Worker):
    async def pid(self) -> int:
        return os.getpid()

    async def answer(self) -> str:
        return ANSWER

    async def wait(self) -> str:
        print("waiting", flush=True)
        while not os.path.exists("go"):
            await asyncio.sleep(0.01)
        return "waited"


server = facade.Server("127.0.0.1:0", grace=30)
server.export(Worker, WorkerImpl())
"""


class Served:
    """A process of ``facade serve``, and its lines."""

    def __init__(self, process):
        self.process = process
        self.pid = process.pid

    async def line(self, beginning):
        """Read its output up to a line that begins so."""
        while True:
            line = (await self.process.stdout.readline()).decode()
            assert line, (beginning, (await self.process.stderr.read()).decode())
            if line.startswith(beginning):
                return line.strip()

    async def said(self, part):
        """Read its errors up to a line that has this."""
        while True:
            line = (await self.process.stderr.readline()).decode()
            assert line, part
            if part in line:
                return line.strip()

    async def listens(self):
        """Its address."""
        return (await self.line("listening at ")).split()[2].rstrip(",")

    async def ended(self):
        """Exit code, and the rest of its errors. Its workers have ended too: their output is
        the same pipe."""
        _, errors = await self.process.communicate()
        return self.process.returncode, errors.decode()


def signalled(served, number=signal.SIGTERM):
    os.kill(served.pid, number)
