"""How long a peer is put up with who makes calls that come to nothing.

How it works. A call that is cancelled, or refused as one too many, costs this end work and
brings its caller nothing. Each peer may have so many of them a second, and ten seconds' worth
at once, as whoever leaves many calls at a time does no harm. Beyond that he is read no faster
than that; and when that has gone on for ten seconds, his connection is ended. So making calls
and cancelling them as fast as one can (HTTP/2's "rapid reset") makes a bounded load.

There is no I/O and no clock here: the caller says what time it is.
"""

# Seconds whose worth of such calls may come at once, and for how long the reading is slowed
# down before it is ended.
SAVED = 10.0
SLOWED = 10.0

# Seconds that one pause takes at most: a heartbeat must get through meanwhile.
LONGEST_PAUSE = 0.5


class Patience:
    """Of this many calls a second that come to nothing. 0: without end."""

    __slots__ = ("_at", "_left", "_most", "_slowed", "rate")

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._most = rate * SAVED
        self._left = self._most
        self._at = 0.0
        # Since when he has been slowed down, at times at least.
        self._slowed: float | None = None

    def spend(self, now: float) -> bool:
        """A call came to nothing. Whether the peer is to be slowed down."""
        if not self.rate:
            return False
        self._left = min(self._most, self._left + (now - self._at) * self.rate) - 1
        self._at = now
        if self._left < 0:
            if self._slowed is None:
                self._slowed = now
            return True
        if self._left * 2 > self._most:
            self._slowed = None
        return False

    def pause(self) -> float:
        """How many seconds not to read him, after ``spend`` has said so."""
        return min(LONGEST_PAUSE, max(0.0, -self._left / self.rate))

    @property
    def lost(self) -> bool:
        """Whether he was slowed down for so long, and goes on."""
        return self._slowed is not None and self._left < 0 and self._at - self._slowed >= SLOWED
