"""Refuse calls that come too fast. (Dubbo: TpsLimitFilter)"""

import math
from array import array
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Self

from facade.core.errors import LimitExceeded, Sent
from facade.core.filter import Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.places import whole_numbers
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings

# A window remembers as many calls: 80 MB.
_MOST = 10_000_000

# Service, group, version, and the method where it has a rate of its own.
_Key = tuple[str, str, str, str]


@activate(order=-2900, when="tps")
class TpsLimit(Filter):
    """At most ``tps`` calls of a service in any ``tps_interval`` seconds (1); more are refused.

        server.export(Shop, impl, tps=500, methods={"report": {"tps": 10, "tps_interval": 60}})

    A method that says ``tps`` itself is counted for itself, all others together. 0 is no
    limit. Raises LimitExceeded: the call was not sent, or the method did not run.

    Mended against Dubbo: there, twice as many get through around the edge of a window; here
    it holds for every interval, wherever it begins. A method's own rate has a window of its
    own, and does not reset that of the service. An interval is 1 s where nothing is said, and
    not 60 s, as the name says. A refusal is an error with a code, and not a result.
    """

    needs_loop = False
    keys = {"tps": int, "tps_interval": float}

    def __init__(
        self,
        *,
        tps: int | ByMethod,
        tps_interval: float | ByMethod = 1.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._rates = whole_numbers("tps", tps)
        if max(self._rates.default, *self._rates.values(), 0) > _MOST:
            raise ValueError(f"tps: no more than {_MOST}; give a shorter tps_interval instead")
        self._intervals = _intervals(tps_interval)
        self._own = frozenset(self._rates) | frozenset(self._intervals)
        self._clock = clock
        self._windows: dict[_Key, Window] = {}

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        return cls(
            tps=settings.by_method("tps", 0), tps_interval=settings.by_method("tps_interval", 1.0)
        )

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        name = invocation.name if invocation.name in self._own else ""
        key = (invocation.service, invocation.group, invocation.version, name)
        window = self._windows.get(key)
        if window is None:
            window = self._windows.setdefault(key, self._window(name))
        if not window.admit(self._clock()):
            raise LimitExceeded(
                f"{invocation} was refused: `tps` allows {window.rate} calls "
                f"{'of it' if name else 'of the service'} in {window.interval:g} s",
                sent=Sent.NOT_EXECUTED if invocation.caller is None else Sent.NOT_SENT,
            )
        return await invoker.invoke(invocation)

    def _window(self, name: str) -> "Window":
        return Window(self._rates[name], self._intervals[name])


class Window:
    """Lets ``rate`` calls through in any ``interval`` seconds. It knows when each of the last
    ``rate`` did: eight bytes each. (Dubbo: StatItem)"""

    __slots__ = ("_lock", "_next", "_times", "interval", "rate")

    def __init__(self, rate: int, interval: float) -> None:
        self.rate = rate
        self.interval = interval
        self._times = array("d", [-math.inf]) * rate  # a ring: the oldest is at _next
        self._next = 0
        self._lock = Lock()

    def admit(self, now: float) -> bool:
        if not self.rate:
            return True
        with self._lock:
            at = self._next
            if now - self._times[at] < self.interval:
                return False
            self._times[at] = now
            self._next = at + 1 if at + 1 < self.rate else 0
            return True


def _intervals(value: float | ByMethod) -> ByMethod:
    intervals = value if isinstance(value, ByMethod) else ByMethod({}, value)
    for interval in (intervals.default, *intervals.values()):
        if not isinstance(interval, int | float) or not 0 < interval < math.inf:
            raise ValueError(f"tps_interval={interval!r}: give seconds, more than 0")
    return intervals
