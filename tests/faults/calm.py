"""What a storm may not leave behind, at either end."""

import asyncio
import contextlib

import facade
from tests.faults.census import Census
from tests.faults.until import until
from tests.faults.work import Work
from tests.short import PATIENCE

# Seconds after which all must be as before.
SETTLED = 2.0 * PATIENCE

# What the resident memory of a process may grow by, in KiB: the allocator's and the machine's
# noise. Of 100,000 calls it is 80 bytes each, less than any object that one could leave.
GROWTH = 8 * 1024

# By how many objects more: one of a hundred calls, where a storm is of 100,000.
OBJECTS = 1_000

Snapshot = dict[str, int]


def pending(client: facade.AsyncClient) -> int:
    """Calls that wait for an answer, at the consumer."""
    connector = client._wire.connector._connector
    if connector is None:
        return 0
    return sum(len(c.calls) + len(c.answers) for c in connector.connections)


class Calm:
    """Both ends of a client before a storm, to be found again soon after it; and of other
    clients of the same provider.

    Take it after a part of the storm, as memory that is used for the first time is not lost.
    """

    def __init__(self, client: facade.AsyncClient, *others: facade.AsyncClient) -> None:
        self._clients = (client, *others)
        self._work = client.refer(Work)
        self._here: Snapshot = {}
        self._there: Snapshot = {}

    @property
    def pending(self) -> int:
        """Calls that wait for an answer here."""
        return sum(pending(client) for client in self._clients)

    async def census(self) -> Snapshot:
        """Of the provider."""
        return await self._work.census.options(timeout=20.0)()

    async def take(self) -> None:
        await self._settle()
        self._here, self._there = await self._look()

    async def _settle(self) -> None:
        """Until no call is open, but for as long as it may take and no longer."""
        async with asyncio.timeout(SETTLED):
            await until(lambda: not self.pending)
            while (await self.census())["pending"] > 1:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)

    async def _look(self) -> tuple[Snapshot, Snapshot]:
        there = await self.census()
        return Census.take().as_dict() | {"pending": self.pending}, there

    async def again(self, report, name: str) -> None:
        """Nothing is pending, nothing is open that was not, and the memory is flat."""
        try:
            await self._settle()
            settled = True
        except TimeoutError:
            settled = False
        here, there = await self._look()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLED):
                # What waits for nothing may still be let go of, by another thread or process.
                while self._opened(here, there) or self._objects(here, there) > OBJECTS:
                    await asyncio.sleep(0.05)
                    here, there = await self._look()
        left = here["pending"] + there["pending"] - 1 + there["running"]
        report(f"{name}: calls left after {SETTLED:g} s", f"{left}", "0", settled and not left)
        more = self._opened(here, there)
        report(f"{name}: tasks, threads, descriptors", f"{more or '+0'}", "+0", not more)
        added = self._objects(here, there)
        report(f"{name}: objects", f"{added:+,d}", f"<= {OBJECTS:,}", added <= OBJECTS)
        grown = max(here["memory"] - self._here["memory"], there["memory"] - self._there["memory"])
        report(f"{name}: memory", f"{grown:+d} KiB", f"<= {GROWTH} KiB", grown <= GROWTH)

    def _opened(self, here: Snapshot, there: Snapshot) -> Snapshot:
        """What there is more of than before."""
        return {
            f"{kind} {side}": now[kind] - before[kind]
            for side, now, before in (("here", here, self._here), ("there", there, self._there))
            for kind in ("tasks", "threads", "descriptors")
            if now[kind] > before[kind]
        }

    def _objects(self, here: Snapshot, there: Snapshot) -> int:
        return max(
            here["objects"] - self._here["objects"], there["objects"] - self._there["objects"]
        )
