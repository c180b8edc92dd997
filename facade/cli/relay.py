"""What a worker would announce, left to its parent."""

from collections.abc import Callable

import msgspec

from facade.registry import Changed, Provider, Subscription


class Notice(msgspec.Struct, frozen=True):
    """A provider, and the registry that it is to be announced at."""

    registry: str
    application: str
    provider: Provider

    @property
    def place(self) -> tuple[str, str, str]:
        """Of two with the same, one is enough."""
        return self.registry, self.provider.address, self.provider.key


class Relay:
    """Stands in a worker for the registry of this target. ``changed`` is called when ``notices``
    are others than before: all workers share one address, and it is announced once."""

    announces = True

    def __init__(self, target: str, application: str, changed: Callable[[], None]) -> None:
        self._target = target
        self._application = application
        self._changed = changed
        self._providers: list[Provider] = []

    @property
    def notices(self) -> list[Notice]:
        return [Notice(self._target, self._application, each) for each in self._providers]

    async def register(self, provider: Provider) -> None:
        self._providers.append(provider)
        self._changed()

    async def unregister(self, provider: Provider) -> None:
        if provider in self._providers:
            self._providers.remove(provider)
            self._changed()

    async def subscribe(self, key: str, changed: Changed, *, timeout: float = 0.0) -> Subscription:
        raise ValueError("a worker's registry is to announce at: open another to subscribe")

    async def close(self) -> None:
        """What is announced then goes with the worker."""
