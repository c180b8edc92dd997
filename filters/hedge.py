"""Ask a second time when the first answer is slow. (Dubbo: ForkingClusterInvoker)"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple, Self

from facade.core.context import adopt
from facade.core.errors import RpcError, Sent
from facade.core.filter import CONSUMER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.repeat import ATTEMPT, RepeatBudget, may_repeat
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings

Attempt = asyncio.Task[Result]


class Plan(NamedTuple):
    """How the calls of one method are hedged: ``seconds``, or else a ``share`` of their time."""

    hedges: int
    seconds: float
    share: float = 0.0

    def delay(self, invocation: Invocation) -> float:
        if not self.share:
            return self.seconds
        # Without a limit there is no share of it: nothing is late then.
        return float("inf") if invocation.timeout is None else invocation.timeout * self.share


@activate(group=CONSUMER, order=-3000, when=("hedge_after", "hedges"))
class Hedge(Filter):
    """Make a second attempt of a slow call beside the first; the first answer is taken.

        client.refer(Catalog, hedge_after=0.05)

    hedge_after   seconds without an answer, or a share of the call's time: "20%"; 0, for attempts
                  at once, takes ``hedges`` beside it, as nothing that is empty switches a filter on
    hedges        attempts after the first, each so much later than the one before: 1
    hedge_budget  those attempts, as a share of the calls that are answered: 0.1

    - Only methods that are declared ``idempotent=True``, and that answer. Others pass,
      and those that have streams.
    - An attempt that fails on its way, in a way that may be repeated, is followed by the next
      at once. An exception of the method is an answer.
    - When there is an answer, or the caller is cancelled, the other attempts are cancelled.
    - The attempts have the same deadline. Each is an invocation of its own; the second one and
      those after it have their number in the attribute and the attachment ``call.attempt``.

    Raises the error of the attempt that failed last, or one that can't be repeated at once.

    Mended: Dubbo's forking cluster asks all of its forks at once, always, of any method, and
    lets the losers run on.
    """

    keys = {"hedge_after": (float, str), "hedges": int, "hedge_budget": float}

    def __init__(
        self,
        *,
        hedge_after: float | str,
        hedges: int = 1,
        hedge_budget: float = 0.1,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._plans = ByMethod({}, _plan(hedge_after, hedges))
        self._prepare(hedge_budget, clock)

    def _prepare(self, share: float, clock: Callable[[], float]) -> None:
        if not share >= 0:
            raise ValueError(f"hedge_budget={share}: a share of the calls, 0 or more")
        self.budget = RepeatBudget(share, clock=clock)
        # The loop itself would let a task be collected that still cleans up.
        self._losers: set[Attempt] = set()

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        if len(settings.all("hedge_budget")) > ("hedge_budget" in settings):
            raise ValueError("hedge_budget is shared by all methods: say it for the service")
        after = settings.by_method("hedge_after")
        hedges = settings.by_method("hedges", 1)
        made = cls.__new__(cls)
        made._plans = ByMethod(
            {name: _plan(after[name], hedges[name]) for name in {*after, *hedges}},
            # Where it is said of methods only, the others are not hedged.
            _plan(after.default, hedges.default if after.default or "hedges" in settings else 0),
        )
        made._prepare(settings.get("hedge_budget", 0.1), monotonic)
        return made

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        plan: Plan = self._plans[invocation.name]
        method = invocation.method
        if (
            not plan.hedges
            or method is None
            or not method.idempotent
            or invocation.oneway
            or method.streaming
        ):
            return await invoker.invoke(invocation)
        invocation.start_countdown()
        running: dict[Attempt, Invocation] = {}
        try:
            winner = await self._race(plan, invoker, invocation, running)
            _take_over(invocation, running[winner])
            return winner.result()
        finally:
            for attempt in running:
                self._losers.add(attempt)
                attempt.add_done_callback(self._lost)
                attempt.cancel()  # nothing, where it is done

    async def _race(
        self,
        plan: Plan,
        invoker: Invoker,
        invocation: Invocation,
        running: dict[Attempt, Invocation],
    ) -> Attempt:
        delay = plan.delay(invocation)
        maybe_executed = False
        number = 1
        _start(invoker, invocation, number, running)
        while True:
            more = number <= plan.hedges and _has_time(invocation)
            pause = delay if more and delay != float("inf") else None
            done, _ = await asyncio.wait(
                running, timeout=pause, return_when=asyncio.FIRST_COMPLETED
            )
            failure: RpcError | None = None
            # Answers first: two may be done at once.
            for attempt in sorted(done, key=lambda attempt: attempt.exception() is not None):
                error = attempt.exception()
                if error is None:
                    self.budget.answered()
                    return attempt
                if not isinstance(error, RpcError):
                    raise error
                maybe_executed |= error.sent is Sent.MAYBE_EXECUTED
                if maybe_executed:
                    error.sent = Sent.MAYBE_EXECUTED
                if not may_repeat(error, idempotent=True):
                    if len(running) > 1:  # of the others nothing is known
                        error.sent = Sent.MAYBE_EXECUTED
                    raise error
                failure = error
                del running[attempt]
            if more and _has_time(invocation) and self.budget.take():
                number += 1
                _start(invoker, invocation, number, running)
            elif not running:
                assert failure is not None  # or it would still run
                raise failure
            else:
                number = plan.hedges + 1  # none more: wait for what is under way

    def _lost(self, attempt: Attempt) -> None:
        self._losers.discard(attempt)
        if not attempt.cancelled():
            attempt.exception()  # it was asked to end: how it did need not be logged


def _start(
    invoker: Invoker, invocation: Invocation, number: int, running: dict[Attempt, Invocation]
) -> None:
    twin = invocation.copy()
    if number > 1:
        twin.attributes[ATTEMPT] = number
        twin.attachments[ATTEMPT] = str(number)
        if twin.countdown is not None:
            twin.timeout = twin.countdown.remaining

    async def attempt() -> Result:
        if invocation.caller is not None:
            adopt(invocation)  # its filters find the call, as in the task of the caller
        return await invoker.invoke(twin)

    running[asyncio.create_task(attempt())] = twin


def _has_time(invocation: Invocation) -> bool:
    return invocation.countdown is None or invocation.countdown.remaining > 0


def _take_over(invocation: Invocation, winner: Invocation) -> None:
    """What the attempt learned is what is known of the call."""
    invocation.remote_address = winner.remote_address
    invocation.local_address = winner.local_address
    invocation.remote_application = winner.remote_application
    invocation.attributes.update(winner.attributes)


def _plan(after: float | str | None, hedges: int) -> Plan:
    if hedges < 0:
        raise ValueError(f"hedges={hedges}: attempts after the first, 0 or more")
    if hedges == 0:
        return Plan(0, 0.0)
    if after is None:
        raise ValueError(f"hedges={hedges}, but hedge_after is not said: after how many seconds?")
    if not isinstance(after, str):
        if not after >= 0:
            raise ValueError(f"hedge_after={after}: seconds, 0 or more")
        return Plan(hedges, float(after))
    number, percent, rest = after.partition("%")
    try:
        share = float(number) / 100
    except ValueError:
        share = 0.0
    if not percent or rest or not 0 < share < 1:
        raise ValueError(f'hedge_after={after!r}: seconds, or a share of the time such as "20%"')
    return Plan(hedges, 0.0, share)
