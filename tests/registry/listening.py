"""What a subscriber was told, to be waited for."""

import asyncio
from collections.abc import Callable, Sequence

from facade.registry import Provider


class Listening:
    """Called with each list. ``lists`` are their addresses."""

    def __init__(self) -> None:
        self.lists: list[list[str]] = []
        self.last: Sequence[Provider] = ()
        self._more = asyncio.Event()

    def __call__(self, providers: Sequence[Provider]) -> None:
        self.last = providers
        self.lists.append([provider.address for provider in providers])
        self._more.set()

    async def until(self, *addresses: str) -> None:
        """Wait for the list of these, whatever comes before."""
        await self.holds(lambda: bool(self.lists) and self.lists[-1] == sorted(addresses))

    async def holds(self, condition: Callable[[], bool]) -> None:
        """Wait for a list with which it does."""
        while not condition():
            self._more.clear()
            await self._more.wait()


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for what tells nobody."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
