"""One provider, as a cluster sees it."""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Protocol

from facade.cluster.health import STEP, Health, State
from facade.cluster.weight import recovered, warmed
from facade.core.errors import Code, DeadlineExceeded, RpcError, Unavailable
from facade.core.invocation import Invocation
from facade.core.load import take_load
from facade.core.result import Result
from facade.core.stream import at_end, is_stream
from facade.registry.provider import Provider

# The n-th ejection lasts n times as long, up to this.
_LONGEST_EJECTION = 12

# Seconds after which an endpoint that is still connecting is taken for one that is down.
_PATIENCE = 1.0

# Ejections are forgotten after so many seconds without one.
_FORGIVEN = 60.0


class Opened(Protocol):
    """The way to one provider: an invoker that is connected, or can be."""

    @property
    def available(self) -> bool:
        """Whether a call would go at once: connected, and the provider does not drain."""
        ...

    @property
    def held(self) -> bool:
        """Whether the provider may call back, though nobody calls it."""
        ...

    def begin(self) -> None:
        """Connect, unless it is connected. Nobody waits for it."""
        ...

    def invoke(self, invocation: Invocation, /) -> Awaitable[Result]:
        """Wait for the connection where there is none yet."""
        ...

    async def close(self) -> None:
        """Let calls under way end, and hang up."""
        ...


Open = Callable[[Provider], Opened]


class Guard(Protocol):
    """Who is told how a call went, and may mend one that failed."""

    # How many were answered.
    answered: int

    def again(
        self, endpoint: "Endpoint", invocation: Invocation, error: RpcError, /
    ) -> Awaitable[Result]: ...


class Endpoint:
    """A provider, the way there, and how its calls have gone of late.

    It belongs to one event loop. ``weight`` is what it is worth now, ``active`` how many calls
    are under way, ``calls`` how many there were. Moving averages: ``latency`` of calls that were
    answered or timed out, in seconds, if they are ``timed``; ``failing``, the share of calls
    that failed; ``load``, as the provider says. While it gets no calls, they sink, so that it is
    tried again.
    """

    __slots__ = (
        "_changed",
        "_clock",
        "_ejections",
        "_health",
        "_open",
        "_opened",
        "_rest",
        "_seen",
        "_since",
        "_until",
        "active",
        "address",
        "calls",
        "failing",
        "invoker",
        "latency",
        "load",
        "provider",
        "state",
        "timed",
        "weight",
    )

    def __init__(
        self,
        provider: Provider,
        open: Open,
        *,
        health: Health | None = None,
        clock: Callable[[], float] = monotonic,
        changed: Callable[[], None] = lambda: None,
        timed: bool = True,
    ) -> None:
        self.provider = provider
        self.address = provider.address
        self.invoker: Opened | None = None
        self.state = State.NEW
        self.weight: float = provider.weight
        self.active = 0
        self.calls = 0
        self.latency = 0.0
        self.failing = 0.0
        self.load = 0.0
        self.timed = timed
        self._open = open
        self._health = health if health is not None else Health()
        self._clock = clock
        self._changed = changed
        # When it came back, where it has.
        self._since = float("-inf")
        self._opened = self._until = 0.0
        self._ejections = 0
        self._seen = 0
        # What it had done when ``rested`` was asked last, if it was open by then.
        self._rest: tuple[int, int] | None = None

    async def invoke(self, invocation: Invocation, guard: Guard | None = None) -> Result:
        """Call, and take note of how that went. Where it fails, ``guard`` has the last word."""
        invoker = self.invoker
        if invoker is None:
            invoker = self.open()
        self.active += 1
        self.calls += 1
        timed = self.timed
        started = self._clock() if timed else 0.0
        try:
            result = await invoker.invoke(invocation)
        except BaseException as error:
            self.active -= 1
            if not isinstance(error, RpcError):
                raise
            if timed and error.code is Code.TIMEOUT:
                self._timed_out(self._clock() - started)
            self._failed(error)
            if guard is None:
                raise
            return await guard.again(self, invocation, error)
        if guard is not None:
            guard.answered += 1
        method = invocation.method
        if (method is None or method.yields) and is_stream(result.value):
            at_end(result, self._left)
        else:
            self.active -= 1
            if timed and not invocation.oneway:
                took = self._clock() - started
                self.latency += (took - self.latency) * STEP if self.latency else took
        if result.expired:
            self._failed(DeadlineExceeded("expired"))
        elif self.failing:
            self.failing *= 1.0 - STEP
        if result.attachments:
            load = take_load(result.attachments)
            if load is not None:
                self.load += (load - self.load) * STEP
        return result

    def _left(self, outcome: Result | BaseException | None = None) -> None:
        self.active -= 1

    def _timed_out(self, took: float) -> None:
        """It takes at least so long: without this one that answers nothing would look fastest."""
        if took > self.latency:
            self.latency += (took - self.latency) * STEP if self.latency else took

    def _failed(self, error: RpcError) -> None:
        if self.invoker is not None and not self.invoker.available:
            self.lost()
        elif isinstance(error, (Unavailable, DeadlineExceeded)):
            if error.code is Code.TIMEOUT_TERMINATE:
                return  # the caller's time was up before
            before = self.failing
            self.failing += (1.0 - before) * STEP
            if before <= self._health.failing < self.failing:
                self._changed()

    @property
    def available(self) -> bool:
        """Whether a call may go there: open and connected, or not open yet."""
        return self.invoker is None or self.invoker.available

    @property
    def connected(self) -> bool:
        """Whether it is open, and a call would go at once."""
        return self.invoker is not None and self.invoker.available

    @property
    def idle(self) -> bool:
        """Whether it is open for nobody: no call is under way, and it can't call back."""
        return self.invoker is not None and not self.active and not self.invoker.held

    def rested(self) -> bool:
        """Whether it has been idle ever since this was asked last."""
        before, self._rest = self._rest, (self.calls, self.active)
        return self.idle and before == self._rest

    @property
    def usable(self) -> bool:
        """Whether it takes its share of the calls."""
        return self.state is State.UP or self.state is State.IDLE

    @property
    def too_bad(self) -> bool:
        """Whether so much fails that it should be ejected."""
        return self.state is State.UP and self.failing > self._health.failing

    def open(self) -> Opened:
        """Connect, unless that was begun."""
        if self.invoker is None:
            self.invoker = self._open(self.provider)
            self._opened = self._clock()
            self._rest = None
            self.state = State.CONNECTING
            self.invoker.begin()
            self._changed()
        return self.invoker

    def lost(self) -> None:
        """It can't be called: a call failed, or was about to be made."""
        if self.state is not State.DOWN and self.invoker is not None:
            self.state = State.DOWN
            self._changed()

    def eject(self, now: float) -> None:
        self._ejections = min(self._ejections + 1, _LONGEST_EJECTION)
        self._until = now + self._health.eject_for * self._ejections
        self.state = State.EJECTED
        self.failing = 0.0

    def check(self, now: float) -> None:
        """See whether it is connected, and whether it has been left alone long enough."""
        invoker = self.invoker
        if invoker is None:
            return
        if not invoker.available:
            invoker.begin()  # which may find what another call has connected meanwhile
        if not invoker.available:
            if self.state is not State.CONNECTING or now - self._opened > _PATIENCE:
                self.state = State.DOWN
        elif self.state is State.CONNECTING:
            self.state = State.UP
        elif self.state is State.DOWN or (self.state is State.EJECTED and now >= self._until):
            self.state = State.UP
            self.failing = 0.0
            self._since = now
        elif self.state is State.UP and now - self._since > _FORGIVEN:
            self._ejections = 0

    def weigh(self, now: float, wall: float) -> bool:
        """Set the weight. True while it grows."""
        whole = warmed(self.provider, wall)
        share = recovered(now - self._since, self._health.slow_start)
        self.weight = whole * share
        return share < 1.0

    def forget(self, seconds: float) -> None:
        """Let the averages sink where no call came since this was asked last: half in 5 s."""
        if self.calls == self._seen and not self.active:
            rest = 0.5 ** (seconds / 5.0)
            self.latency *= rest
            self.load *= rest
            self.failing *= rest
        self._seen = self.calls

    async def close(self) -> None:
        """Let calls under way end, and hang up. The next call opens it again."""
        invoker, self.invoker = self.invoker, None
        self.state = State.IDLE if self.state is State.UP else State.NEW
        if invoker is not None:
            await invoker.close()

    def __repr__(self) -> str:
        return f"<Endpoint {self.address} {self.state.value}, {self.active} active>"
