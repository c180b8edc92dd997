"""Another provider where one fails."""

import asyncio
from collections.abc import Awaitable, Sequence

from facade.cluster.chooser import Chooser
from facade.cluster.cluster import Cluster, is_streamed
from facade.cluster.endpoint import Endpoint
from facade.cluster.health import State
from facade.core.attempt import Plan, limit, number
from facade.core.countdown import TimeoutCountDown
from facade.core.errors import Code, RpcError, Sent
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.repeat import RepeatBudget, may_repeat
from facade.core.result import Result
from facade.core.settings import ByMethod

logger = get_logger(__name__)

# The attachment with which a call says how often it may be repeated.
RETRIES = "retries"


class Failover(Cluster):
    """Calls one endpoint; where that fails on its way, another one. (Dubbo:
    FailoverClusterInvoker)

    plan    ``retries`` attempts after the first, each to an endpoint that was not tried in this
            call, while there is one. Only when there is none, a pause (``retry_backoff``).
            The attachment ``retries`` of a call, a number, goes before it
    budget  of attempts, shared by all calls: see the filter retry. It is not drawn on where
            nothing ran and the provider is gone, while there are others

    - Repeated is what was not sent or not executed, and of idempotent methods what ended in
      Unavailable or DeadlineExceeded. A call with streamed arguments is repeated where nothing
      of it was sent. An exception of the method is an answer.
    - All attempts share the time of the call. With ``attempt_timeout`` those of idempotent
      methods take no longer, but for the last.
    - The second attempt and each further one has its number in the attribute and the
      attachment ``call.attempt``.

    Raises the last error; its text names the providers tried. Its ``sent`` is MAYBE_EXECUTED if
    that of any attempt was.

    Mended: Dubbo repeats whatever is no business exception, each time with the whole timeout,
    and without any bound on what all calls add up to.
    """

    def __init__(
        self,
        chooser: Chooser,
        plan: Plan | ByMethod = Plan(retries=2),  # noqa: B008  # it can't be changed
        *,
        budget: RepeatBudget | None = None,
    ) -> None:
        super().__init__(chooser)
        self._plans = plan if isinstance(plan, ByMethod) else ByMethod({}, plan)
        for each in (self._plans.default, *self._plans.values()):
            each.checked()
        self.budget = RepeatBudget() if budget is None else budget
        # Calls that came back and are not in the budget yet.
        self.answered = 0
        self._hurries = any(
            each.attempt_timeout is not None
            for each in (self._plans.default, *self._plans.values())
        )

    def invoke(self, invocation: Invocation) -> Awaitable[Result]:
        # Most calls end at the first attempt: that takes no coroutine but the endpoint's.
        if self._hurries or RETRIES in invocation.attachments:
            return self._planned(invocation)
        if invocation.countdown is None:
            invocation.start_countdown()
        return self._chooser.choose(invocation).invoke(invocation, self)

    def again(
        self, endpoint: Endpoint, invocation: Invocation, error: RpcError
    ) -> Awaitable[Result]:
        """The first attempt has ended in this error."""
        plans = self._plans
        plan: Plan = plans.get(invocation.name, plans.default)
        return self._repeat(invocation, plan, [endpoint], error)

    async def _planned(self, invocation: Invocation) -> Result:
        plans = self._plans
        plan: Plan = plans.get(invocation.name, plans.default)
        if RETRIES in invocation.attachments:
            plan = _said(plan, invocation)
        if plan.attempt_timeout is not None and plan.retries and _idempotent(invocation):
            return await self._repeat(invocation, plan, [], None)
        invocation.start_countdown()
        endpoint = self._chooser.choose(invocation)
        try:
            result = await endpoint.invoke(invocation)
        except RpcError as error:
            return await self._repeat(invocation, plan, [endpoint], error)
        self.answered += 1
        return result

    async def _repeat(
        self, invocation: Invocation, plan: Plan, tried: list[Endpoint], error: RpcError | None
    ) -> Result:
        """All attempts but those ``tried``, of which the last ended in ``error``."""
        countdown = invocation.start_countdown()
        timeout = invocation.timeout
        short = plan.attempt_timeout if _idempotent(invocation) else None
        maybe_executed = False
        try:
            while True:
                if error is not None:
                    maybe_executed |= error.sent is Sent.MAYBE_EXECUTED
                    if maybe_executed:
                        error.sent = Sent.MAYBE_EXECUTED
                    pause = self._pause(invocation, plan, tried, error, countdown)
                    if pause is None:
                        raise self._failed(error, invocation, tried)
                    if pause:
                        await asyncio.sleep(pause)
                    number(invocation, len(tried) + 1)
                    invocation.countdown = countdown
                    invocation.timeout = timeout if countdown is None else countdown.remaining
                if short is not None and len(tried) < plan.retries:
                    limit(invocation, short, countdown)
                endpoint = self._next(invocation, tried, error)
                tried.append(endpoint)
                try:
                    result = await endpoint.invoke(invocation)
                except RpcError as raised:
                    error = raised
                    continue
                self.answered += 1
                if error is not None:
                    logger.info("%s: %s answered, after: %s", invocation, endpoint, error)
                return result
        finally:
            invocation.timeout, invocation.countdown = timeout, countdown

    def _next(
        self, invocation: Invocation, tried: list[Endpoint], error: RpcError | None
    ) -> Endpoint:
        """Who is called next. Where there is nobody any more, the last ``error`` says more: with
        it the call may have run."""
        try:
            return self._chooser.choose(invocation, tried)
        except RpcError:
            if error is None:
                raise
            raise self._failed(error, invocation, tried) from error.__cause__

    def _pause(
        self,
        invocation: Invocation,
        plan: Plan,
        tried: list[Endpoint],
        error: RpcError,
        countdown: TimeoutCountDown | None,
    ) -> float | None:
        """Seconds until the next attempt; None where there is to be none."""
        if len(tried) > plan.retries or self.directory.closed:
            return None
        others = [e for e in self.directory.list(invocation) if e not in tried]
        if not _may_go_on(error, invocation, bool(others)):
            return None
        pause = 0.0 if others else plan.pause(len(tried))
        if countdown is not None and countdown.remaining <= pause:
            return None
        return pause if _is_free(error, tried[-1], others) or self._take() else None

    def _take(self) -> bool:
        calls, self.answered = self.answered, 0
        self.budget.answered(calls)
        return self.budget.take()


def _is_free(error: RpcError, tried: Endpoint, others: Sequence[Endpoint]) -> bool:
    """Whether another attempt is no more load than the call itself: nothing ran, at an endpoint
    that is gone, and is called no more. So one that goes costs no call, however many it had."""
    if error.sent is Sent.MAYBE_EXECUTED or tried.connected:
        return False
    return any(endpoint.state is not State.DOWN for endpoint in others)


def _may_go_on(error: RpcError, invocation: Invocation, others: bool) -> bool:
    if is_streamed(invocation) and error.sent is not Sent.NOT_SENT:
        return False
    if error.code is Code.NO_INVOKER_AVAILABLE:
        # A circuit breaker of that endpoint: the others have their own.
        return others and error.sent is Sent.NOT_SENT
    return may_repeat(error, _idempotent(invocation))


def _idempotent(invocation: Invocation) -> bool:
    return invocation.method is not None and invocation.method.idempotent


def _said(plan: Plan, invocation: Invocation) -> Plan:
    said = invocation.attachments[RETRIES]
    try:
        retries = max(int(said), 0)
    except ValueError:
        return plan
    del invocation.attachments[RETRIES]
    return plan._replace(retries=retries)
