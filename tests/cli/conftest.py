"""A provider for the commands to talk to, in a thread; and commands, in process."""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime

import pytest
from typer.testing import CliRunner

import facade
from facade.cli.app import app


@dataclass
class Order:
    item: str
    count: int = 1


@facade.service("demo.Greeter", version="1.0.0", timeout=20.0)
class Greeter:
    """Says hello."""

    async def hello(self, name: str, *, loud: bool = False) -> str:
        """Greet "somebody"."""

    @facade.method(oneway=True)
    async def log(self, line: str) -> None: ...

    @facade.method(timeout=30.0, idempotent=True)
    async def twice(self, data: bytes, when: datetime | None = None) -> bytes: ...

    async def buy(self, order: Order) -> list[Order]: ...

    async def nothing(self) -> None: ...

    async def fails(self) -> None: ...

    async def never(self) -> None: ...


class GreeterImpl(Greeter):
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.logged = threading.Event()

    async def hello(self, name: str, *, loud: bool = False) -> str:
        who = facade.RpcContext.server_attachments().get("who", "nobody")
        facade.RpcContext.response_attachments()["seen"] = str(who)
        return f"HELLO {name}" if loud else f"hello {name}"

    async def log(self, line: str) -> None:
        self.lines.append(line)
        self.logged.set()

    async def twice(self, data: bytes, when: datetime | None = None) -> bytes:
        return data * 2

    async def buy(self, order: Order) -> list[Order]:
        return [order, order]

    async def nothing(self) -> None:
        return None

    async def fails(self) -> None:
        raise ValueError("it can't\nbe")

    async def never(self) -> None:
        await asyncio.Event().wait()


@facade.service("demo.Numbers", group="odd")
class Numbers:
    async def sum(self, numbers: list[int]) -> int: ...

    async def count(self, start: int, *, to: int = 3) -> AsyncIterator[int]: ...

    async def total(self, numbers: AsyncIterator[int]) -> int: ...

    async def breaks(self) -> AsyncIterator[str]: ...


class NumbersImpl(Numbers):
    async def count(self, start: int, *, to: int = 3) -> AsyncIterator[int]:
        for number in range(start, to):
            yield number

    async def total(self, numbers: AsyncIterator[int]) -> int:
        return sum([number async for number in numbers])

    async def breaks(self) -> AsyncIterator[str]:
        yield "one"
        raise ValueError("no more")

    async def sum(self, numbers: list[int]) -> int:
        return sum(numbers)


@dataclass
class Provider:
    address: str
    greeter: GreeterImpl


@contextmanager
def _serving(server: facade.Server) -> Iterator[str]:
    """On a loop of its own, as commands bring theirs; its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result()
        yield f"127.0.0.1:{server.port}"
        asyncio.run_coroutine_threadsafe(server.stop(0), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def serving() -> Callable[[facade.Server], AbstractContextManager[str]]:
    return _serving


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    greeter = GreeterImpl()
    server = facade.Server("127.0.0.1:0", application="greeter")
    server.export(Greeter, greeter)
    server.export(Numbers, NumbersImpl())
    with _serving(server) as address:
        yield Provider(address, greeter)


# Older ones mix what newer ones keep apart.
RUNNER = (
    CliRunner(mix_stderr=False)
    if "mix_stderr" in inspect.signature(CliRunner).parameters
    else CliRunner()
)


@dataclass
class Done:
    code: int
    out: str
    err: str


@pytest.fixture
def run() -> Callable[..., Done]:
    """A command in this process, without a terminal, whatever that of the tests is like."""
    plain = {"COLUMNS": None, "FORCE_COLOR": None}

    def invoke(*words: str, code: int = 0) -> Done:
        result = RUNNER.invoke(app, words, env=plain)
        done = Done(result.exit_code, result.stdout, result.stderr)
        assert done.code == code, (done, result.exception)
        return done

    return invoke


@pytest.fixture
def nowhere() -> str:
    """An address where nobody listens."""
    return "127.0.0.1:1"
