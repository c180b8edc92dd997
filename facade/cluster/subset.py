"""Which of many providers a consumer connects to."""

import os
import socket
from collections.abc import Iterable
from hashlib import blake2b

from facade.registry.provider import Provider
from facade.service import is_count


class Subset:
    """At most ``size`` providers (of each tag), an even part of them for each consumer.

    Without a ``place``, by rendezvous: each consumer ranks the providers by a hash of its own
    name and theirs. A provider that comes or goes changes no more than one place; each gets
    ``consumers * size / providers`` consumers on average, give or take its square root.

    With ``place=(index, count)``, this consumer's number among all of them (a StatefulSet has
    one): a deterministic aperture. The providers stand in a circle, and each consumer takes
    those from its own point on: the same number of consumers for each, or one more.

    ValueError for what can't be.
    """

    __slots__ = ("_consumer", "_place", "size")

    def __init__(
        self, size: int, *, consumer: str = "", place: tuple[int, int] | None = None
    ) -> None:
        if not is_count(size, 1):
            raise ValueError(f"subset={size!r}: how many providers to use at most, 1 or more")
        if place is not None and not 0 <= place[0] < place[1]:
            raise ValueError(f"place={place!r}: (index, count), the index from 0 to count - 1")
        self.size = size
        self._consumer = consumer or f"{socket.gethostname()}:{os.getpid()}"
        self._place = place

    def rank(self, providers: Iterable[Provider]) -> list[Provider]:
        """All of them, the nearest first. The first ``size`` that can be used are used."""
        if self._place is None:
            return sorted(providers, key=self._distance)
        circle = sorted(providers, key=_point)
        index, count = self._place
        start = index * len(circle) // count
        return circle[start:] + circle[:start]

    def _distance(self, provider: Provider) -> bytes:
        return _hash(f"{self._consumer} {provider.address}")


def _point(provider: Provider) -> bytes:
    return _hash(provider.address)


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()
