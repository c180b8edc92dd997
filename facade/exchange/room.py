"""How many calls are answered at once, over all that carries them."""

import sys
from collections.abc import Callable

from facade.core.errors import LimitExceeded, Sent

# How many places a share takes at a time, so that few calls have to ask.
STEP = 64


class Room:
    """Places for calls, of one server. Each carrier of calls has a Share of them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._free = limit
        self._shares: set[Share] = set()

    def share(self, count: Callable[[], int], most: int = 0) -> "Share":
        """For a carrier that has so many calls under way as ``count`` says, and may have no more
        than ``most``."""
        share = Share(self, count, most or sys.maxsize)
        if self.limit:
            self._shares.add(share)
        else:
            share.places = share.most
        return share

    def grow(self, share: "Share") -> bool:
        """Whether it has got more places."""
        if share.places >= share.most:
            return False
        if not self._free:
            self._reclaim()
        step = min(STEP, self._free, share.most - share.places)
        self._free -= step
        share.places += step
        return step > 0

    def _reclaim(self) -> None:
        """Take back what is not in use."""
        for share in list(self._shares):
            used = share.count()
            self._free += share.places - used
            share.places = used
            self.let_go(share)

    def let_go(self, share: "Share") -> None:
        """Forget a share that is closed, once none of its calls runs."""
        if share.closed and share in self._shares and not share.count():
            self._free += share.places
            share.places = 0
            self._shares.discard(share)


class Share:
    """A call may begin while there are fewer than ``places``, or ``grow`` says so."""

    __slots__ = ("_room", "closed", "count", "most", "places")

    def __init__(self, room: Room, count: Callable[[], int], most: int) -> None:
        self._room = room
        self.most = most
        self.count = count
        self.places = 0
        self.closed = False

    def full(self) -> bool:
        """Whether one call more would be too many."""
        return self.count() >= self.places and not self._room.grow(self)

    def grow(self) -> bool:
        return self._room.grow(self)

    def close(self) -> None:
        """Nothing more comes. Calls that still run keep their places until they have ended."""
        self.closed = True
        self._room.let_go(self)

    def refusal(self, call: str) -> LimitExceeded:
        why = (
            f"{self.most} calls of this connection are being answered, as many as max_calls of "
            "this end allows"
            if self.count() >= self.most
            else f"{self._room.limit} calls are being answered, as many as max_calls_total of "
            "this end allows"
        )
        return LimitExceeded(f"{call} was refused: {why}", sent=Sent.NOT_EXECUTED)
