"""Calls at a steady rate, and providers that are processes."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

PROGRAM = Path(__file__).parent / "where.py"

# Seconds between two handfuls of calls.
_TICK = 0.02

# A busy machine falls behind. It makes up for so many seconds, and has so many calls under way at
# most: from there on answers set the pace, and not the clock.
_BEHIND = 1.0
_UNDER_WAY = 512


class Load:
    """``rate`` calls a second of a method, until it is left. Who answered, and what failed."""

    def __init__(self, call, rate):
        self.rate = rate
        self.answered = Counter()
        self.failed = []
        # Seconds that the calls took altogether, without those in which this process stood still
        # and which it can't make up for; and those in which the machine had nothing to do.
        self.took = self.idle = 0.0
        self._call = call
        self._handful = max(1, round(rate * _TICK))
        self._calls = set()
        self._task = None

    @property
    def made(self):
        return self.answered.total() + len(self.failed)

    @property
    def reached(self):
        """Calls a second."""
        return round(self.made / self.took)

    @property
    def held_up(self):
        """Whether the machine was too busy for more: less than half a processor was left."""
        return self.idle < self.took / 2

    async def _make(self):
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for _ in range(self._handful):
                call = asyncio.create_task(self._one())
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
            while len(self._calls) >= _UNDER_WAY:
                await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED)
            due = max(due + _TICK, loop.time() - _BEHIND)
            await asyncio.sleep(max(0.0, due - loop.time()))
            self.took -= max(0.0, loop.time() - due - _BEHIND)

    async def _one(self):
        try:
            self.answered[await self._call()] += 1
        except Exception as error:
            self.failed.append(error)

    async def __aenter__(self):
        self.took, self.idle = -asyncio.get_running_loop().time(), -_idle()
        self._task = asyncio.create_task(self._make())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.wait([self._task])
        self.took += asyncio.get_running_loop().time()
        self.idle += _idle()
        while self._calls:
            await asyncio.wait(self._calls)


def _idle():
    """Seconds that all processors had nothing to do, as one."""
    return float(Path("/proc/uptime").read_text().split()[1])


class Process:
    """A provider, announced when this returns: ``inside`` is a command that it is started with."""

    def __init__(self, registry, port=0, *, host="127.0.0.1", inside=()):
        command = [*inside, sys.executable, str(PROGRAM), registry, str(port), host]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.pid = self.process.pid

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait()
        self.process.stdout.close()
