"""Find out how many calls at once are good, and refuse the others."""

import math
from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic
from typing import Any, Self

from facade.core.errors import LimitExceeded, Sent
from facade.core.filter import Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings
from facade.core.stream import at_end, is_stream

# Service, group, version, method.
_Key = tuple[str, str, str, str]

_DEFAULTS = {"initial": 20, "min": 1, "max": 1000, "tolerance": 1.5}


@activate(order=-2800, when="adaptive_limit")
class AdaptiveLimit(Filter):
    """Let as many calls of a method run at once as do not slow each other down.

        server.export(Shop, impl, adaptive_limit=True, methods={"watch": {"adaptive_limit": False}})

    The limit follows latency: it grows while calls are as quick as they are when few run, and
    shrinks when they take longer than ``tolerance`` (1.5) times that. So calls are refused
    before a queue has made all of them late. A number is the limit to begin with (20); a dict
    may have "initial", "min" (1), "max" (1000) and "tolerance".

    Raises LimitExceeded: the call was not sent, or the method did not run. After Netflix's
    concurrency-limits; Dubbo has nothing like it in its filters.
    """

    needs_loop = False
    per_attempt = True
    keys = {"adaptive_limit": (bool, int, dict)}

    def __init__(
        self,
        *,
        adaptive_limit: bool | int | Mapping[str, float] | ByMethod = True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        given = adaptive_limit
        said = given if isinstance(given, ByMethod) else ByMethod({}, given)
        self._options = ByMethod(
            {name: _options(value) for name, value in said.items()}, _options(said.default)
        )
        self._clock = clock
        self._limits: dict[_Key, Limit | None] = {}

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        return cls(adaptive_limit=settings.by_method("adaptive_limit", False))

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        key = (invocation.service, invocation.group, invocation.version, invocation.name)
        try:
            limit = self._limits[key]
        except KeyError:
            limit = self._limits.setdefault(key, self._make(invocation.name))
        if limit is None:
            return await invoker.invoke(invocation)
        if not limit.begin():
            raise LimitExceeded(
                f"{invocation} was refused: more than {limit.now} calls of it at once would make "
                "all of them slow, as `adaptive_limit` has found",
                sent=Sent.NOT_EXECUTED if invocation.caller is None else Sent.NOT_SENT,
            )
        start = self._clock()
        answered = streams = False
        try:
            result = await invoker.invoke(invocation)
            answered, streams = True, is_stream(result.value)
        finally:
            if not streams:
                limit.end(start, self._clock(), answered)
        if streams:
            at_end(result, lambda _: limit.leave())
        return result

    def limit_of(self, service: str, name: str, group: str = "", version: str = "") -> int | None:
        """How many calls of a method may run at once now; None for any number."""
        limit = self._limits.get((service, group, version, name), self._make(name))
        return None if limit is None else limit.now

    def _make(self, name: str) -> "Limit | None":
        options = self._options[name]
        return None if options is None else Limit(**options)


class Limit:
    """A number of calls at once that follows their latency.

    It looks at the mean latency of a window of calls, and at that when few run, the
    ``base``. Their ratio says how much is too much; the square root of the limit is what may
    stand in a queue. Now and then a window has a quarter of the limit, to learn the base anew:
    what calls need may change, and a base from the time of an overload would be too long.
    """

    __slots__ = (
        *("_base", "_count", "_limit", "_lock", "_max", "_min", "_most", "_probing", "_since"),
        *("_sum", "_tolerance", "_until_probe", "active", "now"),
    )

    # Calls in a window, at least; and windows between two that learn the base.
    WINDOW = 10
    FIRST_PROBE, PROBE = 5, 100

    def __init__(self, initial: int, min: int, max: int, tolerance: float) -> None:
        self._limit = float(initial)
        self._min, self._max, self._tolerance = min, max, tolerance
        self.active = 0
        self.now = initial
        self._base = math.inf
        self._until_probe = self.FIRST_PROBE
        self._probing = False
        self._since = -math.inf
        self._count = self._most = 0
        self._sum = 0.0
        self._lock = Lock()

    def begin(self) -> bool:
        with self._lock:
            if self.active >= self.now:
                self._most = self.now
                return False
            self.active += 1
            if self.active > self._most:
                self._most = self.active
            return True

    def end(self, start: float, end: float, answered: bool) -> None:
        with self._lock:
            self.active -= 1
            if start < self._since:
                return  # it ran beside the calls of another window
            seconds = end - start
            if not (answered or seconds > self._base):
                return  # refused further in, or given up soon: it tells nothing
            self._count += 1
            self._sum += seconds
            if self._count >= self.WINDOW and self._count >= self.now:
                self._close(self._sum / self._count, end)

    def leave(self) -> None:
        """A stream ended: how long it took is the reader's doing, and tells nothing."""
        with self._lock:
            self.active -= 1

    def _close(self, mean: float, now: float) -> None:
        if self._probing:
            self._base = mean
            self._probing = False
            self._until_probe = self.PROBE
        else:
            self._base = min(self._base, mean)
            self._adapt(mean)
            self._until_probe -= 1
            self._probing = self._until_probe <= 0
        wanted = self._limit / 4 if self._probing else self._limit
        self.now = max(self._min, int(wanted))
        self._since = now
        self._count, self._sum, self._most = 0, 0.0, self.active

    def _adapt(self, mean: float) -> None:
        if self._most * 2 < self._limit:
            return  # so few calls say nothing about more of them
        slower = mean / (self._base * self._tolerance) if self._base else 1.0
        gradient = min(1.0, max(0.5, 1 / slower if slower else 1.0))
        limit = self._limit * gradient + math.sqrt(self._limit)
        if limit < self._limit or gradient < 1:
            limit = 0.8 * self._limit + 0.2 * limit  # one slow window may be chance
        self._limit = min(float(self._max), max(float(self._min), limit))


def _options(value: Any) -> dict[str, Any] | None:
    if value is False or value == 0:
        return None
    if not isinstance(value, Mapping):
        value = {} if value is True else {"initial": value}
    unknown = value.keys() - _DEFAULTS.keys()
    if unknown:
        raise ValueError(
            f"adaptive_limit: there is no {', '.join(sorted(map(repr, unknown)))}: "
            f"it has {', '.join(_DEFAULTS)}"
        )
    options = {**_DEFAULTS, **value}
    numbers = [options[name] for name in ("min", "initial", "max")]
    whole = all(isinstance(n, int) and not isinstance(n, bool) for n in numbers)
    if not whole or not 1 <= options["min"] <= options["initial"] <= options["max"]:
        raise ValueError(
            f"adaptive_limit: give whole numbers with 1 <= min <= initial <= max, not {numbers}"
        )
    if not isinstance(options["tolerance"], int | float) or not 1 <= options["tolerance"] < 100:
        raise ValueError(
            f"adaptive_limit: tolerance={options['tolerance']!r}: give a number from 1 on; calls "
            "may take so many times their usual time"
        )
    return options
