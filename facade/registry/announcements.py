"""What is to stand in a registry, put there again as often as it takes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from facade.registry.outage import Outage

# Seconds that one attempt may take,
PATIENCE = 5.0
# and that `add` waits for the first one.
FIRST_ATTEMPT = 3.0


class Announcements:
    """Keeps nodes in a registry which forgets them when it loses us.

    ``put`` makes the node of this path, or leaves it where it is there and ours; ``remove``
    takes it away. Either may raise anything: it is tried again. A ``put`` that has failed may
    be done all the same, and late: what is not wanted by then is taken away again.
    """

    def __init__(
        self,
        place: str,
        put: Callable[[str], Awaitable[None]],
        remove: Callable[[str], Awaitable[None]],
    ) -> None:
        self._put = put
        self._remove = remove
        self._wanted: dict[str, asyncio.Event] = {}  # set once it was tried
        self._done: set[str] = set()
        self._unwanted: set[str] = set()  # and perhaps there
        self._round = 0
        self._outage = Outage(f"announcing at {place}")
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def add(self, path: str) -> None:
        """Have it there from now on. Returns after the first attempt."""
        tried = self.add_soon(path)
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_ATTEMPT):
                await tried.wait()

    def add_soon(self, path: str) -> asyncio.Event:
        """The same, without waiting for it."""
        self._unwanted.discard(path)
        tried = self._wanted.setdefault(path, asyncio.Event())
        self._work.set()
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name="facade-registry-announce")
        return tried

    async def drop(self, path: str) -> None:
        """Have it there no more. Returns after the first attempt."""
        if self._wanted.pop(path, None) is None:
            return
        self._done.discard(path)
        self._unwanted.add(path)
        try:
            await self._take_away(path)
        finally:
            if path in self._unwanted:
                self._work.set()

    def again(self) -> None:
        """The registry may have forgotten them all."""
        self._round += 1
        self._done.clear()
        self._work.set()

    async def close(self) -> None:
        """Put nothing more. What is there goes with our session."""
        self._wanted.clear()
        self._unwanted.clear()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._work.wait()
            self._work.clear()
            put, taken = await self._put_missing(), await self._take_all_away()
            if not (put and taken):
                loop.call_later(self._outage.pause, self._work.set)
            elif not self._unwanted and all(path in self._done for path in self._wanted):
                self._outage.over()

    async def _put_missing(self) -> bool:
        """Whether each attempt has worked."""
        for path in [path for path in self._wanted if path not in self._done]:
            now, wanted = self._round, self._wanted.get(path)
            if wanted is None:
                continue  # dropped while others were put
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._put(path)
            except Exception as error:
                self._outage.begins(error)
                self._set_tried()
                self._unwant(path)
                asyncio.get_running_loop().call_later(PATIENCE, self._unwant, path)
                return False
            if now == self._round and self._wanted.get(path) is wanted:  # and not dropped since
                self._done.add(path)
                wanted.set()
            self._unwant(path)
        return True

    def _set_tried(self) -> None:
        for tried in self._wanted.values():
            tried.set()

    def _unwant(self, path: str) -> None:
        """It may be there. Where nobody wants it any more, it is to be taken away."""
        if path not in self._wanted:
            self._unwanted.add(path)
            self._work.set()

    async def _take_all_away(self) -> bool:
        """Whether each attempt has worked."""
        for path in list(self._unwanted):
            if path in self._unwanted and not await self._take_away(path):
                return False
        return True

    async def _take_away(self, path: str) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._remove(path)
        except Exception as error:
            self._outage.begins(error)
            return False
        self._unwanted.discard(path)
        return True
