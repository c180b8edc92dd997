"""What the workers of ``facade serve`` announce."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from facade.cli.relay import Notice
from facade.core.log import get_logger
from facade.provider.announcer import PATIENCE
from facade.registry import Provider, Registry, open_registry

logger = get_logger(__name__)


class Board:
    """Announces each service once, as long as any worker serves it.

    Where workers say different things of a service, who spoke last is right. A service that goes
    on keeps the time at which it started, whoever serves it.
    """

    def __init__(self) -> None:
        self._said: dict[object, Sequence[Notice]] = {}  # who spoke last comes last
        self._there: dict[tuple[str, str, str], Notice] = {}
        self._registries: dict[str, Registry] = {}
        self._settling = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def say(self, worker: object, notices: Sequence[Notice]) -> None:
        """This is all that the worker has to announce now."""
        self._said.pop(worker, None)
        self._said[worker] = notices
        if notices or self._there:
            self._later()

    def forget(self, worker: object) -> None:
        """It serves no more."""
        if self._said.pop(worker, None):
            self._later()

    async def settled(self) -> None:
        """Until all that was said before has been tried once."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Announce nothing more; at most a second is spent on what is announced."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await self.settled()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                closing = (registry.close() for registry in self._registries.values())
                await asyncio.gather(*closing, return_exceptions=True)

    def _later(self) -> None:
        if self._closed:
            return
        task = asyncio.create_task(self._settle(), name="facade-announce")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self) -> None:
        async with self._settling:
            wanted = {notice.place: notice for said in self._said.values() for notice in said}
            changes = []
            for place in {**wanted, **self._there}:
                old, new = self._there.get(place), wanted.get(place)
                if old is not None and new is not None:
                    new = _going_on(old, new)
                if new != old:
                    changes.append(self._change(old, new))
                if new is None:
                    self._there.pop(place, None)
                else:
                    self._there[place] = new
            await asyncio.gather(*changes)

    async def _change(self, old: Notice | None, new: Notice | None) -> None:
        """The new one first: at no time is there none."""
        for what, notice in (("register", new), ("unregister", old)):
            if notice is None:
                continue
            try:
                await getattr(self._registry(notice), what)(notice.provider)
            except Exception as error:
                logger.error("cannot %s %s: %s", what, notice.provider.key, error)

    def _registry(self, notice: Notice) -> Registry:
        target = notice.registry
        if target not in self._registries:
            self._registries[target] = open_registry(target, application=notice.application)
        return self._registries[target]


def _going_on(old: Notice, new: Notice) -> Notice:
    provider: Provider = replace(new.provider, started=old.provider.started)
    return Notice(new.registry, new.application, provider)
