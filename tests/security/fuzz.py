"""Feeds frames of an attacker to connections, and says how they took it.

``python -m tests.security.fuzz provider 20000 1``: role, frames, seed. Prints one line of JSON.
"""

import asyncio
import collections
import contextlib
import json
import logging
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable

from google.protobuf.internal import api_implementation

import facade
from facade.codec import encode_plain
from facade.core.invocation import Invocation
from facade.exchange.calling import call
from facade.exchange.connection import Connection
from facade.exchange.reference import CallbackInterface, method_codec
from facade.exchange.settings import Settings
from facade.exchange.streaming import StreamedCall
from facade.service import describe
from facade.testing import FakeInvoker
from tests.security.conftest import Vault, VaultImpl, exports, frame, setup
from tests.security.corpus import Mutator, consumer_frames, provider_frames

# How many frames one connection is fed, if it lives so long.
MEAL = 40

CALLS = ("echo", "any", "any", "who", "echo", "any", "count", "total")
ARGUMENTS = {"echo": ("x",), "any": (1,), "who": (), "count": (3,)}

METHODS = describe(Vault).methods
CODECS = {name: method_codec(method) for name, method in METHODS.items()}
HOOK = CallbackInterface("fuzz", Callable[[str], None])


class Feed:
    """A stream that has all of its frames at hand, and ends after them."""

    end = None
    remote_address = local_address = "fuzz"
    identity = None

    def __init__(self, frames):
        self.frames = frames
        self.left = MEAL
        self.error = None

    async def read(self):
        await asyncio.sleep(0)
        if not self.left or not self.frames:
            return None
        self.left -= 1
        return self.frames.popleft()

    async def write(self, data):
        await asyncio.sleep(0)

    def explain(self, error):
        return error if isinstance(error, facade.RpcError) else None

    async def finish(self):
        pass

    def close(self, error=None):
        self.error = error


class Fuzzed(VaultImpl):
    """One for any number of event loops."""

    async def wait(self):
        await asyncio.Event().wait()


TABLE = exports(Fuzzed())


class Bugs(logging.Handler):
    """What is logged as an error: nothing that comes from outside should be one here."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.seen = []

    def emit(self, record):
        self.seen.append(self.format(record))


async def numbers():
    for number in range(3):
        yield number


def begin(connection):
    """Calls of all kinds that wait for answers, of a consumer."""
    tasks = []
    for name in CALLS:
        method, codec = METHODS[name], CODECS[name]
        made = Invocation("demo.Vault", name, ARGUMENTS.get(name, ()), method=method)
        made.codec = codec
        if method.streaming:
            arguments = (numbers(),) if name == "total" else made.arguments
            arguments, keywords, streams = codec.take(arguments, None)
            payload = codec.encode_arguments(arguments, keywords)
            work = read_all(StreamedCall(connection.calls, made, payload, streams))
        else:
            work = call(connection.calls, made, codec.encode_arguments(made.arguments, None))
        tasks.append(asyncio.ensure_future(work))
    return tasks


async def read_all(streamed):
    result = await streamed.result()
    if hasattr(result.value, "__anext__"):
        with contextlib.suppress(ValueError):  # of the provider's stream, by its name
            async for _ in result.value:
                pass
    return result


async def feed(role, frames):
    """One connection, from its setup to its end. How it ended."""
    opened = role == "consumer"
    frames.appendleft(frame(setup()))
    stream = Feed(frames)
    connection = Connection(stream, Settings(), TABLE, opened=opened)
    running = asyncio.ensure_future(connection.run())
    tasks = []
    if opened:
        connection.answers.callbacks.add(None, print, HOOK, FakeInvoker(), 10)
        await connection.ready
        with contextlib.suppress(facade.RpcError):
            tasks = begin(connection)
    await asyncio.wait_for(running, 20)
    outcomes = []
    if tasks:
        done, pending = await asyncio.wait(tasks, timeout=10)
        outcomes = [task.exception() for task in done]
        assert not pending, f"{len(pending)} calls hang"
    for error in outcomes:
        assert error is None or isinstance(error, facade.RpcError), repr(error)
    for _ in range(1000):
        if not connection.answers:
            break
        await asyncio.sleep(0)
    assert not connection.answers
    return stream.error.status.name if stream.error is not None else "OK"


async def fuzz(role, count, seed):
    """Feed so many frames. Fails where anything but a clean end comes of it."""
    loop = asyncio.get_running_loop()
    unhandled = []
    loop.set_exception_handler(lambda _, context: unhandled.append(str(context)))
    bugs, root = Bugs(), logging.getLogger("facade")
    root.addHandler(bugs)
    root.propagate, level = False, root.level
    root.setLevel(logging.ERROR)
    corpus = consumer_frames() if role == "consumer" else provider_frames()
    mutator = Mutator(corpus, seed, rising=role == "provider")
    ends = collections.Counter()
    before, started, fed = len(asyncio.all_tasks()), time.monotonic(), 0
    try:
        while fed < count:
            mutator.begin()
            meal = deque(mutator.frame() for _ in range(min(MEAL - 1, count - fed)))
            size, kept = len(meal), list(meal)
            ends[await feed(role, meal)] += 1
            fed += size - len(meal)
            problem = unhandled or bugs.seen
            assert not problem, f"{problem[:3]} after {kept[: size - len(meal)]}"
        await asyncio.sleep(0)
        tasks = len(asyncio.all_tasks()) - before
    finally:
        root.removeHandler(bugs)
        root.propagate = True
        root.setLevel(level)
        loop.set_exception_handler(None)
    assert ends["INTERNAL"] == 0
    return {
        "role": role,
        "protobuf": api_implementation.Type(),
        "frames": fed,
        "seconds": round(time.monotonic() - started, 1),
        "connections": sum(ends.values()),
        "ends": dict(ends),
        "tasks": tasks,
    }


if __name__ == "__main__":
    warnings.simplefilter("error")
    role, count, seed = sys.argv[1:]
    assert encode_plain(1) == b"\x01"
    print(json.dumps(asyncio.run(fuzz(role, int(count), int(seed)))))
