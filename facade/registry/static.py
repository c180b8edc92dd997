"""A list that does not change."""

from facade.registry.provider import Provider
from facade.registry.registry import FIRST_LIST
from facade.registry.subscription import Changed, Subscription
from facade.registry.target import Target, expected


class StaticRegistry:
    """The addresses that its target names: ``static:a:50051,b:50051``. Any service is asked
    for there."""

    announces = False

    def __init__(self, target: Target) -> None:
        target.check(())
        if not target.hosts:
            raise ValueError(f"{target.place!r} names no address: {expected('static')}")
        self._place = target.place
        self._providers = [Provider(host) for host in dict.fromkeys(target.hosts)]

    async def register(self, provider: Provider) -> None:
        raise cannot_announce(self._place)

    async def unregister(self, provider: Provider) -> None:
        pass

    async def subscribe(
        self, key: str, changed: Changed, *, timeout: float = FIRST_LIST
    ) -> Subscription:
        subscription = Subscription(key, changed)
        subscription.push(self._providers)
        return subscription

    async def close(self) -> None:
        pass


def cannot_announce(place: str) -> ValueError:
    return ValueError(f"{place} is a list to read: announce providers at zookeeper:// or etcd://")
