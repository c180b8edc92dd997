"""What every registry can do."""

from typing import Protocol

from facade.registry.provider import Provider
from facade.registry.subscription import Changed, Subscription

# Seconds that a subscriber waits for the first list.
FIRST_LIST = 3.0


class Registry(Protocol):
    """Knows who provides what. One belongs to the event loop in which it is first used.

    That it can't be reached is no error: what was asked of it is done once it can.
    """

    announces: bool
    """Whether providers can be registered. Where not, ``register`` raises ValueError."""

    async def register(self, provider: Provider) -> None:
        """Announce it, until it is unregistered or the registry closed. It returns after the
        first attempt; one that failed is repeated in the background, and logged once."""
        ...

    async def unregister(self, provider: Provider) -> None:
        """Announce it no more. Nothing happens where it was not registered."""
        ...

    async def subscribe(
        self, key: str, changed: Changed, *, timeout: float = FIRST_LIST
    ) -> Subscription:
        """Be told of the providers of ``[group/]service[:version]``, or of all: "*".

        ``changed`` is called with the first list before this returns, where that comes within
        ``timeout`` seconds, and with each other one later. While the registry can't be
        reached nothing is told: the last list holds.
        """
        ...

    async def close(self) -> None:
        """Take all announcements back, and end all subscriptions."""
        ...
