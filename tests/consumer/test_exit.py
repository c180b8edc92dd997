"""Blocking clients that are used while the interpreter ends."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import facade

USED = """
import atexit

def leave():
    for use in (client.refer(Worker).echo, client.ready, client.close):
        try:
            use()
        except RuntimeError as error:
            print(error)

atexit.register(leave)

import facade

class Worker:
    def echo(self) -> str: ...

client = facade.Client("127.0.0.1:1")
other = facade.Client("127.0.0.1:1")
atexit.register(lambda: print("closed", other.close()))
"""


def test_client_that_is_used_when_the_interpreter_ends():
    """By a function that was given to atexit before it was made: an error, and no wait for ever.
    One that was given later may still use it."""
    ended = subprocess.run(
        [sys.executable, "-c", USED], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stderr == ""
    assert ended.stdout.startswith("closed None")
    assert ended.stdout.count("the interpreter ends") == 3


READ = """
import atexit, sys

def leave():
    try:
        print(next(numbers))
    except RuntimeError as error:
        print(error)

atexit.register(leave)

from collections.abc import Iterator
import facade

@facade.service("blocking.Counter")
class Counter:
    def count(self) -> Iterator[int]: ...

client = facade.Client(sys.argv[1])
numbers = client.refer(Counter).count()
print(next(numbers))
"""


@facade.service("blocking.Counter")
class Counter:
    def count(self) -> AsyncIterator[int]: ...


class OnlyOne(Counter):
    async def count(self):
        yield 1
        await asyncio.Event().wait()


async def test_stream_that_is_read_when_the_interpreter_ends():
    """By a function that was given to atexit before the client was made: an error, too."""
    server = facade.Server("127.0.0.1:0")
    server.export(Counter, OnlyOne())
    async with server:
        reader = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", READ, f"127.0.0.1:{server.port}"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            told, complained = await reader.communicate()
        finally:
            if reader.returncode is None:
                reader.kill()
    assert complained == b""
    assert told.startswith(b"1\nthe interpreter ends")
