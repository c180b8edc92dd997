"""Runs a script in a process of its own, which finds a provider at sys.argv[1]."""

import asyncio
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.faults.busy import Moment, end_of

ROOT = Path(__file__).resolve().parents[2]

# What gRPC's server complains of where the loop ends in the moment in which a call begins.
CUT_OFF = re.compile(
    r"Traceback \(most recent call last\):\n"
    r'  File "src/python/grpcio/.* in grpc\._cython\.cygrpc\._schedule_rpc_coro\n'
    r"asyncio\.exceptions\.CancelledError\n"
)

HEAD = """
import asyncio, os, sys, threading, time, warnings
import facade
from tests.faults.work import Work

warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
TARGET = sys.argv[1]

@facade.service("faults.Work")
class Blocking:
    def echo(self, text: str) -> str: ...
    def hang(self, id: str) -> str: ...

def say(*words):
    os.write(1, (" ".join(words) + "\\n").encode())  # at once: another process writes there, too

def attempt(what, work=None):
    try:
        if work is not None:
            say(what, work.echo("hello"))
            return
        with facade.Client(TARGET, timeout=20) as client:
            say(what, client.refer(Blocking).echo("hello"))
    except Exception as error:
        say(what, type(error).__name__, str(error)[:60])
"""


@dataclass
class Ended:
    """``after``: seconds from its last printed line to its end, without those when others had
    all processors."""

    code: int
    lines: list[str]
    errors: str
    after: float


async def run_script(target: str, text: str, timeout: float = 60.0) -> Ended:
    """Until it ends. TimeoutError where it hangs."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(  # noqa: ASYNC220 - it is waited for in a thread
            [sys.executable, "-c", HEAD + text, target],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        watching = asyncio.ensure_future(asyncio.to_thread(_watch, process))
        try:
            async with asyncio.timeout(timeout):
                lines, after = await asyncio.shield(watching)
        finally:
            if process.poll() is None:
                process.kill()
            await asyncio.wait([watching])
        errors.seek(0)
        # gRPC says in its own log that it forks.
        written = CUT_OFF.sub("", errors.read()).splitlines()
        told = [line for line in written if "fork_posix" not in line]
        return Ended(process.returncode, lines, "\n".join(told), after)


def _watch(process: "subprocess.Popen[str]") -> tuple[list[str], float]:
    """Its lines, and how long after the last of them it ended."""
    last, lines = Moment.now(process.pid), []
    assert process.stdout is not None
    with process.stdout as output:
        for line in output:
            last = Moment.now(process.pid)
            lines.append(line.rstrip())
    return lines, end_of(process).since(last)
