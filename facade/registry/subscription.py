"""What a consumer is told of the providers of a service."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from facade.core.log import get_logger
from facade.registry.provider import Provider
from facade.registry.wanted import Wanted

logger = get_logger(__name__)

# Called in the event loop with all providers there are, each time that they change.
Changed = Callable[[Sequence[Provider]], None]


class Subscription:
    """The providers of one service, as last heard. ``close()`` it to hear no more.

    ``answered`` says whether the registry has told its list yet. Until then ``providers`` is
    empty, or what was known of old.
    """

    __slots__ = ("_changed", "_closing", "_first", "_refreshing", "providers", "wanted")

    def __init__(self, key: str, changed: Changed) -> None:
        self.wanted = Wanted.parse(key)
        self.providers: tuple[Provider, ...] = ()
        self._changed: Changed | None = changed
        self._first = asyncio.Event()
        self._closing: Callable[[], Awaitable[None]] | None = None
        self._refreshing: Callable[[], None] | None = None

    @property
    def answered(self) -> bool:
        return self._first.is_set()

    def refresh(self) -> None:
        """Ask the registry again, where it has to be asked: a provider has just failed."""
        if self._refreshing is not None:
            self._refreshing()

    async def close(self) -> None:
        """Hear no more. ``providers`` stays."""
        self._changed = None
        closing, self._closing = self._closing, None
        if closing is not None:
            await closing()

    # For registries

    def bind(
        self, closing: Callable[[], Awaitable[None]], refreshing: Callable[[], None] | None = None
    ) -> None:
        """What else is done by ``close`` and ``refresh``."""
        self._closing, self._refreshing = closing, refreshing

    def push(self, providers: Iterable[Provider]) -> None:
        """This is the list of the registry now. Those of other services in it are left out."""
        told = _newest(p for p in providers if self.wanted.takes(p))
        first = not self.answered
        self._first.set()
        if first or told != self.providers:
            self._tell(told)

    def recall(self, providers: Iterable[Provider]) -> None:
        """This was the list once, and the registry does not answer."""
        told = _newest(p for p in providers if self.wanted.takes(p))
        if told and not self.answered:
            self._tell(told)

    async def first(self, timeout: float) -> bool:
        """Wait at most so many seconds for the list. Whether it came."""
        try:
            async with asyncio.timeout(timeout):
                await self._first.wait()
        except TimeoutError:
            return False
        return True

    def _tell(self, providers: tuple[Provider, ...]) -> None:
        self.providers = providers
        if self._changed is None:
            return
        try:
            self._changed(providers)
        except Exception:
            logger.exception("what was to be told of the providers of %s failed", self.wanted.key)


def _newest(providers: Iterable[Provider]) -> tuple[Provider, ...]:
    """In a fixed order, each place once: a provider that died and is back may be listed twice
    until the registry has noticed."""
    found: dict[tuple[str, str], Provider] = {}
    for provider in providers:
        place = (provider.address, provider.key)
        if place not in found or found[place].started <= provider.started:
            found[place] = provider
    return tuple(found[place] for place in sorted(found))
