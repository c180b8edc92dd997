"""The consumer of the tour."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import facade
from examples.tour.interfaces import Kitchen, Waiter
from examples.tour.process import Provider
from examples.tour.stopwatch import Stopwatch


class Guest:
    """Two providers' processes, and a client of each."""

    kitchen_process: Provider
    waiter_process: Provider
    kitchen_client: facade.AsyncClient
    waiter_client: facade.AsyncClient
    kitchen: Kitchen
    waiter: Waiter

    def __init__(self, port: str = "") -> None:
        """``port``: the kitchen's, which it comes back to. One that is free where none is given."""
        self._port = port

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            kitchen = Provider("kitchen")
            kitchen.port = self._port
            self.kitchen_process = await stack.enter_async_context(kitchen)
            port = self.kitchen_process.port
            self.waiter_process = await stack.enter_async_context(Provider("waiter", port))
            self.kitchen_client = await stack.enter_async_context(client(self.kitchen_process))
            self.waiter_client = await stack.enter_async_context(client(self.waiter_process))
            self._ends = stack.pop_all()
        self.kitchen = self.kitchen_client.refer(Kitchen)
        self.waiter = self.waiter_client.refer(Waiter)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._ends.aclose()


def client(provider: Provider) -> facade.AsyncClient:
    return facade.AsyncClient(
        provider.address,
        application="guest",
        timeout=10,
        filters=[Stopwatch("time-at-guest")],
    )


async def hear(provider: Kitchen | Waiter, words: str) -> str:
    """The next news with these words in it."""
    while words not in (news := await provider.news()):
        pass
    return news
