"""Send a call again when that is safe. (Dubbo: FailoverClusterInvoker)"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Self

from facade.core.attempt import Plan, limit, number, plans
from facade.core.errors import RpcError, Sent
from facade.core.filter import CONSUMER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.method import Method
from facade.core.repeat import RepeatBudget, may_repeat
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings


@activate(group=CONSUMER, order=-3000, when="retries")
class Retry(Filter):
    """Try again after a failure on the way, where no method can run twice that minds.

        client.refer(Stock, retries=2, methods={"order": {"retries": 0}})

    retries            attempts after the first
    retry_backoff      seconds: before attempt n a pause of 0 to backoff * 2 ** (n - 2),
    retry_backoff_max  and no longer than this
    attempt_timeout    seconds for each attempt but the last, of idempotent methods; else an
                       attempt may take all the time that is left
    retry_budget       attempts beyond the first, as a share of the calls that are answered

    - Repeated is what was not sent or not executed, and, of methods that are declared
      ``idempotent=True``, what ended in Unavailable or DeadlineExceeded. What would fail again
      (arguments, access, an unknown method, TIMEOUT_TERMINATE) is not, and an exception of
      the method is an answer. A call with an argument that is a stream is repeated only where
      nothing was sent, and a stream that was given is never asked for again.
    - All attempts share the time of the call. None starts without time left, and there is no
      pause that would outlast it.
    - All calls share the budget. While nobody answers, nothing comes into it, so a dead
      provider sees hardly more than the calls themselves.
    - The second attempt and each further one has its number in the attribute and the
      attachment ``call.attempt``.

    Raises the last error. Its ``sent`` is MAYBE_EXECUTED if that of any attempt was.

    Mended: Dubbo repeats whatever is no business exception, twice where nothing is said, at
    once, each time with the whole timeout, and without any bound on what all calls add up to.
    """

    keys = {
        "retries": int,
        "retry_backoff": float,
        "retry_backoff_max": float,
        "attempt_timeout": (float, type(None)),
        "retry_budget": float,
    }

    def __init__(
        self,
        *,
        retries: int = 2,
        retry_backoff: float = 0.05,
        retry_backoff_max: float = 1.0,
        attempt_timeout: float | None = None,
        retry_budget: float = 0.1,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        plan = Plan(retries, retry_backoff, retry_backoff_max, attempt_timeout)
        self._plans = ByMethod({}, plan.checked())
        if not retry_budget >= 0:
            raise ValueError(f"retry_budget={retry_budget}: a share of the calls, 0 or more")
        self.budget = RepeatBudget(retry_budget, clock=clock)

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        if len(settings.all("retry_budget")) > ("retry_budget" in settings):
            raise ValueError("retry_budget is shared by all methods: say it for the service")
        made = cls(retry_budget=settings.get("retry_budget", 0.1))
        made._plans = ByMethod(*plans(settings, Plan()))
        return made

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        plan: Plan = self._plans[invocation.name]
        if not plan.retries:
            return await invoker.invoke(invocation)
        invocation.start_countdown()
        method = invocation.method
        idempotent = method is not None and method.idempotent
        # It would end a stream that was given in time, too.
        short = plan.attempt_timeout if idempotent and not _streams(method) else None
        timeout, countdown = invocation.timeout, invocation.countdown
        maybe_executed = False
        attempt = 1
        try:
            while True:
                try:
                    if short is not None and attempt <= plan.retries:
                        limit(invocation, short, countdown)
                    result = await invoker.invoke(invocation)
                except RpcError as error:
                    if error.sent is Sent.MAYBE_EXECUTED:
                        maybe_executed = True
                    elif maybe_executed:
                        error.sent = Sent.MAYBE_EXECUTED
                    pause = plan.pause(attempt)
                    if (
                        attempt > plan.retries
                        or not may_repeat(error, idempotent)
                        or (error.sent is not Sent.NOT_SENT and _takes_streams(method))
                        or (countdown is not None and countdown.remaining <= pause)
                        or not self.budget.take()
                    ):
                        raise
                else:
                    self.budget.answered()
                    return result
                await asyncio.sleep(pause)
                attempt += 1
                number(invocation, attempt)
                invocation.countdown = countdown
                invocation.timeout = timeout if countdown is None else countdown.remaining
        finally:
            invocation.timeout, invocation.countdown = timeout, countdown


def _streams(method: Method | None) -> bool:
    return method is not None and method.streaming


def _takes_streams(method: Method | None) -> bool:
    """What was sent of an argument that is a stream can't be sent again."""
    return method is not None and bool(method.streamed)
