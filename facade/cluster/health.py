"""When an endpoint gets no calls, and how it comes back."""

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """How an endpoint stands.

    NEW         not open yet; it is opened when any call of the service is made
    CONNECTING  calls go there where nothing else is
    UP          calls go there
    DOWN        the connection is lost, or the provider drains
    EJECTED     connected, but too many of its calls failed
    IDLE        closed, as no calls came; the next call that falls to it opens it, and waits
    """

    NEW = "new"
    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"
    EJECTED = "ejected"
    IDLE = "idle"


# One call's part in the moving averages of an endpoint: the last ten or so matter.
STEP = 0.1


@dataclass(frozen=True, slots=True)
class Health:
    """When endpoints are left alone. Times are seconds.

    failing     an endpoint is ejected when more than this share of its last calls failed:
                Unavailable or DeadlineExceeded. At 0.5, after 7 in succession
    eject_for   for so long; n times as long the n-th time in succession, 12 times at most
    eject_most  never more than this share of the endpoints at once
    slow_start  its weight grows for so long after it came back: a straight line from a tenth
                to all of it
    check       how often one that is down is looked at. (Dubbo: 1 s)

    ValueError for what can't be.
    """

    failing: float = 0.5
    eject_for: float = 5.0
    eject_most: float = 0.5
    slow_start: float = 5.0
    check: float = 0.1

    def __post_init__(self) -> None:
        for name in ("failing", "eject_most"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)}: a share, from 0 to 1")
        for name in ("eject_for", "slow_start", "check"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)}: seconds, 0 or more")
