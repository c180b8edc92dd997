"""Leave a provider alone that does not answer. (Dubbo: by Sentinel, Resilience4j or Hystrix)"""

import threading
from collections.abc import Callable, Mapping
from enum import Enum
from time import monotonic
from typing import Any, NamedTuple, Self

from facade.core.errors import Code, DeadlineExceeded, RpcError, Sent, Unavailable
from facade.core.filter import CONSUMER, Filter, Invoker, activate
from facade.core.hint import hint
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings

logger = get_logger(__name__)

# The window slides by this part of itself.
_SLICES = 10


class State(Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


class Limits(NamedTuple):
    """The numbers of a breaker. Times are seconds."""

    failure_share: float = 0.5
    window: float = 10.0
    minimum: int = 20
    open_for: float = 5.0
    probes: int = 3


@activate(group=CONSUMER, order=-4000, when="circuit_breaker")
class CircuitBreaker(Filter):
    """Refuse the calls of a method while too many of them fail, and probe until they don't.

        client.refer(Stock, circuit_breaker=True, methods={"audit": {"circuit_breaker": False}})
        client.refer(Stock, circuit_breaker={"failure_share": 0.2, "open_for": 2.0})

    failure_share  this share of the calls failed: the breaker opens. 0.5
    window         over the last so many seconds: 10
    minimum        and there were at least so many calls: 20
    open_for       calls are refused for so many seconds, then it is half open: 5
    probes         half open, so many calls go: all answered, and it closes; one fails, and it
                   opens again. What comes meanwhile is refused. 3

    What fails is Unavailable and DeadlineExceeded; an exception of the method is an answer, and
    so is a refusal by the provider. What never left (wrong arguments, a limit of this end, no
    time left) and calls whose caller was cancelled don't count.

    Each method has a breaker of its own, as a slow one should not take away the others.
    ``states()`` tells how they stand.

    Raises Unavailable, NOT_SENT, with the code NO_INVOKER_AVAILABLE, which ``retry`` leaves
    alone.
    """

    needs_loop = False
    per_attempt = True
    keys = {"circuit_breaker": (bool, dict, type(None))}

    def __init__(
        self,
        *,
        failure_share: float = 0.5,
        window: float = 10.0,
        minimum: int = 20,
        open_for: float = 5.0,
        probes: int = 3,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        limits = _checked(Limits(failure_share, window, minimum, open_for, probes))
        self._limits: Mapping[str, Limits | None] = ByMethod({}, limits)
        self._clock = clock
        self._breakers: dict[tuple[str, str, str, str], Breaker | None] = {}

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        said = settings.by_method("circuit_breaker")
        made = cls()
        made._limits = ByMethod({n: _read(v) for n, v in said.items()}, _read(said.default))
        return made

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        key = (invocation.service, invocation.name, invocation.group, invocation.version)
        try:
            breaker = self._breakers[key]
        except KeyError:
            breaker = self._add(key)
        if breaker is None:
            return await invoker.invoke(invocation)
        turn = breaker.turn
        if breaker.state is not State.CLOSED:
            turn = breaker.enter(invocation)
        failed: bool | None = None
        try:
            result = await invoker.invoke(invocation)
            failed = False
            return result
        except RpcError as error:
            failed = _is_failure(error)
            raise
        finally:
            breaker.leave(turn, failed)

    def _add(self, key: tuple[str, str, str, str]) -> "Breaker | None":
        service, method, group, version = key
        limits = self._limits[method]
        breaker = None
        if limits is not None:
            name = str(Invocation(service, method, group=group, version=version))
            breaker = Breaker(name, limits, self._clock)
        # Of two threads that come here at once both find the same one.
        return self._breakers.setdefault(key, breaker)

    def states(self) -> dict[str, State]:
        """How the breaker of each method stands that was called, by "service.method"."""
        breakers = list(self._breakers.values())
        return {breaker.name: breaker.state for breaker in breakers if breaker is not None}


class Breaker:
    """That of one method. Any number of threads may use it."""

    __slots__ = (
        "_clock",
        "_limits",
        "_lock",
        "_probes",
        "_probes_answered",
        "_reason",
        "_until",
        "_window",
        "name",
        "state",
        "turn",
    )

    def __init__(self, name: str, limits: Limits, clock: Callable[[], float]) -> None:
        self.name = name
        self.state = State.CLOSED
        # Counts the changes of state: how a call ends says nothing in a later one.
        self.turn = 0
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._window = Window(limits.window, clock())
        self._until = 0.0
        self._reason = ""
        # Probes under way or answered, and those that were answered.
        self._probes = 0
        self._probes_answered = 0

    def enter(self, invocation: Invocation) -> int:
        """Let a call pass that is not sure to. Returns its turn."""
        with self._lock:
            now = self._clock()
            if self.state is State.OPEN and now >= self._until:
                self._change(State.HALF_OPEN)
            if self.state is State.HALF_OPEN and self._probes < self._limits.probes:
                self._probes += 1
            elif self.state is not State.CLOSED:
                raise Unavailable(
                    f"{invocation} was not sent, its circuit breaker is {self.state.value}: "
                    f"{self._reason}; "
                    + (
                        f"calls go again in {self._until - now:.1f} s"
                        if self.state is State.OPEN
                        else f"{self._probes} probes are under way"
                    )
                    + " (setting circuit_breaker)",
                    code=Code.NO_INVOKER_AVAILABLE,
                    sent=Sent.NOT_SENT,
                )
            return self.turn

    def leave(self, turn: int, failed: bool | None) -> None:
        """A call ended that was let pass. ``failed`` is None where that says nothing."""
        with self._lock:
            if turn != self.turn:
                return
            if self.state is State.CLOSED:
                if failed is not None:
                    self._count(failed)
            elif failed is None:
                self._probes -= 1  # another call may try in its place
            elif failed:
                self._open("a probe failed")
            else:
                self._probes_answered += 1
                if self._probes_answered >= self._limits.probes:
                    self._change(State.CLOSED)

    def _count(self, failed: bool) -> None:
        window, limits = self._window, self._limits
        window.add(self._clock(), failed)
        too_many = window.failures >= limits.failure_share * window.calls
        if failed and too_many and window.calls >= limits.minimum:
            self._open(
                f"{window.failures} of {window.calls} calls failed within {limits.window:g} s"
            )

    def _open(self, reason: str) -> None:
        self._reason = reason
        self._until = self._clock() + self._limits.open_for
        self._change(State.OPEN)

    def _change(self, state: State) -> None:
        self.state = state
        self.turn += 1
        self._probes = self._probes_answered = 0
        if state is State.OPEN:
            logger.warning("the circuit breaker of %s opens: %s", self.name, self._reason)
        elif state is State.CLOSED:
            self._window = Window(self._limits.window, self._clock())
            logger.info("the circuit breaker of %s closes", self.name)


class Window:
    """Calls and failures of the last seconds, counted by slices of the time."""

    __slots__ = ("_at", "_slice", "_slices", "calls", "failures")

    def __init__(self, seconds: float, now: float) -> None:
        self._slice = seconds / _SLICES
        self._slices = [(0, 0)] * _SLICES
        self._at = int(now / self._slice)
        self.calls = 0
        self.failures = 0

    def add(self, now: float, failed: bool) -> None:
        at = int(now / self._slice)
        if at != self._at:
            self._slide(at)
        place = at % _SLICES
        calls, failures = self._slices[place]
        self._slices[place] = (calls + 1, failures + failed)
        self.calls += 1
        self.failures += failed

    def _slide(self, at: int) -> None:
        for place in range(max(self._at, at - _SLICES) + 1, at + 1):
            calls, failures = self._slices[place % _SLICES]
            self._slices[place % _SLICES] = (0, 0)
            self.calls -= calls
            self.failures -= failures
        self._at = at


def _is_failure(error: RpcError) -> bool | None:
    """Whether the way failed (True), the provider answered (False), or it was not asked."""
    if error.code in (Code.TIMEOUT_TERMINATE, Code.NO_INVOKER_AVAILABLE):
        return None
    if isinstance(error, (Unavailable, DeadlineExceeded)):
        return True
    return None if error.sent is Sent.NOT_SENT else False


def _read(value: Any) -> Limits | None:
    """What the setting says."""
    if value is None or value is False:
        return None
    if value is True:
        return Limits()
    for key in value:
        if key not in Limits._fields:
            meant = hint(key, Limits._fields, f"there are: {_KEYS}")
            raise ValueError(f"circuit_breaker has no {key!r}: {meant}")
    return _checked(Limits(**value))


_KEYS = ", ".join(Limits._fields)


def _checked(limits: Limits) -> Limits:
    for key, number in limits._asdict().items():
        whole = key in ("minimum", "probes")
        if isinstance(number, bool) or not isinstance(number, int if whole else (int, float)):
            raise TypeError(
                f"circuit_breaker: {key}={number!r} is no {'int' if whole else 'float'}"
            )
        if not number > 0:
            raise ValueError(f"circuit_breaker: {key}={number!r}: more than 0")
    if limits.failure_share > 1:
        raise ValueError(
            f"circuit_breaker: failure_share={limits.failure_share!r}: a share, at most 1"
        )
    return limits
