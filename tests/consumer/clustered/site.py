"""Providers that tell which of them answered, and clients' targets of them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable

import facade


@facade.service("test.Where")
class Where:
    async def port(self) -> int: ...

    async def slow(self) -> int: ...

    async def count(self, n: int) -> AsyncIterator[int]: ...

    @facade.method(idempotent=True)
    async def broken(self) -> int: ...

    async def listen(self, listener: Callable[[str], None]) -> int: ...


@facade.service("test.Other")
class Other:
    async def port(self) -> int: ...


class Here(Where):
    def __init__(self):
        self.at = 0
        self.released = asyncio.Event()
        self.started = asyncio.Event()

    async def port(self) -> int:
        return self.at

    async def slow(self) -> int:
        self.started.set()
        await self.released.wait()
        return self.at

    async def count(self, n: int) -> AsyncIterator[int]:
        for _ in range(n):
            yield self.at

    async def broken(self) -> int:
        raise facade.Unavailable("out of order")

    async def listen(self, listener: Callable[[str], None]) -> int:
        await listener(str(self.at))
        return self.at


class Site:
    """A server with its implementation."""

    def __init__(self):
        self.here = Here()
        self.server = facade.Server()
        self.server.export(Where, self.here)
        self.server.export(Other, self.here)

    async def start(self):
        await self.server.start()
        self.here.at = self.server.port
        return self

    @property
    def address(self):
        return f"127.0.0.1:{self.server.port}"


def static(sites):
    return "static:" + ",".join(site.address for site in sites)


async def spread(call, sites):
    """Call until each has answered; how often each did."""
    answered = Counter()
    while len(answered) < len(sites):
        answered[await call()] += 1
        await asyncio.sleep(0)
    return answered
