"""A list of providers that is read again and again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from facade.core.log import get_logger
from facade.registry.provider import Provider
from facade.registry.registry import FIRST_LIST
from facade.registry.static import cannot_announce
from facade.registry.subscription import Changed, Subscription

logger = get_logger(__name__)

# The list as it is now, None where it is as before; OSError and ValueError where there is none.
Reader = Callable[[], Awaitable[Sequence[Provider] | None]]


class PolledList:
    """A registry that only reads. What can't be read is logged once, and the last list holds.

    ``interval``: seconds between two readings. ``soonest``: and between those that somebody
    asks for, since all calls that fail may do so.
    """

    announces = False

    def __init__(self, place: str, read: Reader, interval: float, soonest: float) -> None:
        self._place = place
        self._read = read
        self._interval = interval
        self._soonest = min(soonest, interval)
        self._last: Sequence[Provider] | None = None
        self._failed = False
        self._subscriptions: set[Subscription] = set()
        self._task: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()

    async def register(self, provider: Provider) -> None:
        raise cannot_announce(self._place)

    async def unregister(self, provider: Provider) -> None:
        pass

    async def subscribe(
        self, key: str, changed: Changed, *, timeout: float = FIRST_LIST
    ) -> Subscription:
        subscription = Subscription(key, changed)

        async def forget() -> None:
            self._subscriptions.discard(subscription)
            if not self._subscriptions:
                await self._stop()

        subscription.bind(forget, self._asked.set)
        self._subscriptions.add(subscription)
        if self._last is not None:
            subscription.push(self._last)
        if self._task is None:
            self._task = asyncio.create_task(self._poll(), name="facade-registry-poll")
        try:
            await subscription.first(timeout)
        except BaseException:  # nobody is there to close it
            await subscription.close()
            raise
        return subscription

    async def close(self) -> None:
        for subscription in list(self._subscriptions):
            await subscription.close()
        await self._stop()

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _poll(self) -> None:
        while True:
            await self._read_once()
            await asyncio.sleep(self._soonest)
            try:
                async with asyncio.timeout(self._interval - self._soonest):
                    await self._asked.wait()
            except TimeoutError:
                pass
            self._asked.clear()

    async def _read_once(self) -> None:
        try:
            found = await self._read()
        except (OSError, ValueError) as error:
            if not self._failed:
                kept = "the last list holds" if self._last is not None else "nothing is known yet"
                logger.warning("%s can't be read, %s: %s", self._place, kept, error)
            self._failed = True
            return
        if self._failed:
            logger.info("%s can be read again", self._place)
        self._failed = False
        if found is not None:
            self._last = found
        for subscription in list(self._subscriptions):
            subscription.push(self._last or ())
