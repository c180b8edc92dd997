"""Runs a script in a process of its own, which finds a provider at sys.argv[1]."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parents[2]

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

def attempt(what, work=None):
    try:
        if work is not None:
            print(what, work.echo("hello"), flush=True)
            return
        with facade.Client(TARGET, timeout=20) as client:
            print(what, client.refer(Blocking).echo("hello"), flush=True)
    except Exception as error:
        print(what, type(error).__name__, str(error)[:60], flush=True)
"""


@dataclass
class Ended:
    """``after``: seconds from its last printed line to its end."""

    code: int
    lines: list[str]
    errors: str
    after: float


async def run_script(target: str, text: str, timeout: float = 60.0) -> Ended:
    """Until it ends. TimeoutError where it hangs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HEAD + text, target),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    lines: list[str] = []
    last = monotonic()

    async def read() -> None:
        nonlocal last
        assert process.stdout is not None
        async for line in process.stdout:
            lines.append(line.decode().rstrip())
            last = monotonic()

    try:
        async with asyncio.timeout(timeout):
            _, errors = await asyncio.gather(read(), process.stderr.read())
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    # gRPC says in its own log that it forks.
    text = "\n".join(x for x in errors.decode().splitlines() if "fork_posix" not in x)
    return Ended(code, lines, text, monotonic() - last)
