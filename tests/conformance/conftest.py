"""What every wire must do: each scenario here runs over all of them.

memory      AsyncClient, joined in memory
stream      AsyncClient over gRPC
unary       AsyncClient over gRPC, each call one of gRPC's
blocking    Client over gRPC, its calls made in threads
injvm       AsyncClient, in this process and without a network
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

import facade
from facade.exchange.memory import MemoryTransport

# Seconds. Long enough for any machine where the timeout is not what is tested.
LONG = 20.0

WIRES = ("memory", "stream", "unary", "blocking", "injvm")

# Calls that a scenario may have under way at once, where each takes a thread.
THREADS = 32


class Wire:
    """Makes providers and clients, and calls: in the same words over every wire.

    Calls are those of one caller: the test's task, or a thread of its own. ``start``
    makes one by another caller.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.blocking = name == "blocking"
        self._caller = ThreadPoolExecutor(1, thread_name_prefix="caller")
        self._others = ThreadPoolExecutor(THREADS, thread_name_prefix="other-caller")
        self._clients: list[Any] = []
        self._servers: list[facade.Server] = []

    # The two ends

    async def provide(self, *services: tuple[type, object], **settings: Any) -> facade.Server:
        """A provider of these services: (interface, implementation) each."""
        # A place of its own for each, as they may export the same.
        injvm = f"injvm:{len(self._servers)}"
        server = facade.Server(injvm if self.name == "injvm" else "127.0.0.1:0", **settings)
        for interface, implementation in services:
            server.export(interface, implementation)
        if self.name != "memory":
            await server.start()
        self._servers.append(server)
        return server

    def connect(self, server: facade.Server, **settings: Any) -> Any:
        """A client of that provider."""
        kind = facade.Client if self.blocking else facade.AsyncClient
        return self._connect(kind, server, settings)

    def hop(self, server: facade.Server, **settings: Any) -> facade.AsyncClient:
        """A client for use within a provider."""
        return self._connect(facade.AsyncClient, server, settings)

    def _connect(self, kind: type, server: facade.Server, settings: dict[str, Any]) -> Any:
        if self.name == "memory":
            settings["transport"] = MemoryTransport(server.exchange, server.invoke, server.describe)
        client = kind(
            server.address if self.name == "injvm" else f"127.0.0.1:{server.port}",
            **{"timeout": LONG, "unary": self.name == "unary", **settings},
        )
        self._clients.append(client)
        return client

    async def refer(self, interface: type, implementation: object, **settings: Any) -> Any:
        """The usual: a provider of one service, and the service as its consumer sees it.

        They are connected: what a scenario says of time is about its calls alone.
        """
        server = await self.provide((interface, implementation))
        client = self.connect(server, **settings)
        await self.call(client.ready, LONG)
        return client.refer(interface)

    # Calls

    async def call(self, method: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        """Call, and give the value."""
        if not self.blocking:
            return await method(*arguments, **keywords)
        return await self._in(self._caller, method, *arguments, **keywords)

    def start(
        self, method: Callable[..., Any], *arguments: Any, **keywords: Any
    ) -> asyncio.Future[Any]:
        """Call by another caller: a future of the value."""
        if self.blocking:
            return self._in(self._others, method, *arguments, **keywords)

        async def call() -> Any:
            return await method(*arguments, **keywords)

        return asyncio.create_task(call())

    async def do(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        """Run a plain function where the calls of ``call`` are made."""
        if not self.blocking:
            return function(*arguments, **keywords)
        return await self._in(self._caller, function, *arguments, **keywords)

    async def value(self, future: Any) -> Any:
        """What the future of a call gives, of whichever kind it is."""
        return await (asyncio.wrap_future(future) if isinstance(future, Future) else future)

    def _in(
        self,
        pool: ThreadPoolExecutor,
        function: Callable[..., Any],
        *arguments: Any,
        **keywords: Any,
    ) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(pool, partial(function, *arguments, **keywords))

    # The end

    async def close(self) -> None:
        for client in self._clients:
            if isinstance(client, facade.AsyncClient):
                await client.close()
            else:
                await asyncio.to_thread(client.close)
        for server in self._servers:
            await server.stop()
        for pool in (self._caller, self._others):
            await asyncio.to_thread(pool.shutdown)


@pytest.fixture(params=WIRES)
async def wire(request: pytest.FixtureRequest) -> AsyncIterator[Wire]:
    """Each wire in turn. A test that is not for all names its own, with ``indirect``."""
    made = Wire(request.param)
    yield made
    await made.close()
