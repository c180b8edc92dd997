"""Calls at a steady rate, and providers that are processes."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

PROGRAM = Path(__file__).parent / "where.py"

# Seconds between two handfuls of calls.
_TICK = 0.02


class Load:
    """``rate`` calls a second of a method, until it is left. Who answered, and what failed."""

    def __init__(self, call, rate):
        self.answered = Counter()
        self.failed = []
        self._call = call
        self._handful = max(1, round(rate * _TICK))
        self._calls = set()
        self._task = None

    @property
    def made(self):
        return self.answered.total() + len(self.failed)

    async def _make(self):
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for _ in range(self._handful):
                call = asyncio.create_task(self._one())
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
            due = max(due + _TICK, loop.time() - 1.0)
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _one(self):
        try:
            self.answered[await self._call()] += 1
        except Exception as error:
            self.failed.append(error)

    async def __aenter__(self):
        self._task = asyncio.create_task(self._make())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.wait([self._task])
        while self._calls:
            await asyncio.wait(self._calls)


class Process:
    """A provider, announced when this returns."""

    def __init__(self, registry, port=0):
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), registry, str(port)], stdout=subprocess.PIPE, text=True
        )
        self.port = int(self.process.stdout.readline())
        self.pid = self.process.pid

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait()
        self.process.stdout.close()
