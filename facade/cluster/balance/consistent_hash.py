"""The same arguments, the same endpoint."""

import struct
from bisect import bisect_left
from collections.abc import Sequence
from hashlib import md5

from facade.cluster.argument import argument
from facade.cluster.balance.balancer import Balancer, Endpoints
from facade.cluster.endpoint import Endpoint
from facade.core.invocation import Invocation

# Four points come out of one digest.
_POINTS = struct.Struct("<4I")


class Ring:
    """Points on a circle, each of an endpoint."""

    __slots__ = ("_at", "_owners")

    def __init__(self, endpoints: Endpoints, points: dict[str, list[int]]) -> None:
        # Where two have the same point, it is that of the later one, as in Dubbo.
        owners = {point: endpoint for endpoint in endpoints for point in points[endpoint.address]}
        self._at = sorted(owners)
        self._owners = [owners[point] for point in self._at]

    def owner(self, point: int) -> Endpoint:
        """That of the next point on the circle."""
        place = bisect_left(self._at, point)
        return self._owners[place if place < len(self._at) else 0]

    def owner_in(self, point: int, wanted: Endpoints) -> Endpoint:
        """That of the next point of one that is wanted."""
        place = bisect_left(self._at, point)
        for owner in self._owners[place:] + self._owners[:place]:
            if owner in wanted:
                return owner
        return wanted[0]


class ConsistentHash(Balancer[Ring]):
    """Calls with the same arguments go to the same endpoint as long as it is there; when it goes,
    its calls alone move, to all of the others. (Dubbo: ConsistentHashLoadBalance)

    hash_arguments  the positions of the arguments that count: (0,). Arguments by name count, too
    hash_nodes      points of each endpoint on the ring, in fours: 160

    The ring is Dubbo's own, so consumers in Java send the same text to the same provider. Weights
    do not matter on it, nor that they grow: all endpoints have as many points. ValueError for
    what can't be.
    """

    times = False

    def __init__(self, *, hash_arguments: Sequence[int] = (0,), hash_nodes: int = 160) -> None:
        super().__init__()
        if not all(isinstance(n, int) and n >= 0 for n in hash_arguments):
            raise ValueError(f"hash_arguments={hash_arguments!r}: positions, from 0 on")
        if hash_nodes < 4:
            raise ValueError(f"hash_nodes={hash_nodes}: points of each endpoint, 4 or more")
        self._arguments = tuple(hash_arguments)
        self._digests = hash_nodes // 4
        self._points: dict[str, list[int]] = {}
        # The last one is used on while its members are the same, whatever their weights.
        self._last: tuple[frozenset[Endpoint], Ring] | None = None

    def prepare(self, endpoints: Endpoints) -> Ring:
        members = frozenset(endpoints)
        last = self._last
        if last is not None and last[0] == members:
            return last[1]
        known = self._points
        self._points = points = {
            e.address: known.get(e.address) or self._hashed(e.address) for e in endpoints
        }
        ring = Ring(endpoints, points)
        self._last = (members, ring)
        return ring

    def _hashed(self, address: str) -> list[int]:
        return [point for n in range(self._digests) for point in _points(f"{address}{n}")]

    def select(self, endpoints: Endpoints, invocation: Invocation) -> Endpoint:
        return self.prepared(endpoints).owner(_points(self._key(invocation))[0])

    def another(self, endpoints: Endpoints, rest: Endpoints, invocation: Invocation) -> Endpoint:
        return self.prepared(endpoints).owner_in(_points(self._key(invocation))[0], rest)

    def _key(self, invocation: Invocation) -> str:
        arguments = invocation.arguments
        if not invocation.keywords:
            return "".join([str(arguments[n]) for n in self._arguments if n < len(arguments)])
        given = (argument(invocation, n) for n in self._arguments)
        return "".join([each for each in given if each is not None])


def _points(text: str) -> tuple[int, ...]:
    return _POINTS.unpack(md5(text.encode("utf-8", "replace"), usedforsecurity=False).digest())
