"""All of them, one after the other."""

from math import ceil

from facade.cluster.chooser import Chooser
from facade.cluster.cluster import Cluster, refuse_streamed
from facade.cluster.endpoint import Endpoint
from facade.cluster.failure import of_all
from facade.core.errors import RpcError, no_time_left
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result

logger = get_logger(__name__)


class Broadcast(Cluster):
    """Calls every endpoint in turn. For caches that are to be emptied, and levels of logs.
    (Dubbo: BroadcastClusterInvoker)

    If any failed, or its method raised, the last such error is raised, once all were called;
    else the last value is given. With ``fail_percent`` below 100 no more are called once so many
    of them have failed.

    All of them share the time of the call.
    """

    def __init__(self, chooser: Chooser, *, fail_percent: int = 100) -> None:
        super().__init__(chooser)
        if not 0 < fail_percent <= 100:
            raise ValueError(f"fail_percent={fail_percent}: from 1 to 100")
        self._fail_percent = fail_percent

    async def invoke(self, invocation: Invocation) -> Result:
        refuse_streamed(invocation, "broadcast")
        endpoints = self._chooser.all(invocation)
        countdown = invocation.start_countdown()
        most = ceil(len(endpoints) * self._fail_percent / 100)
        result = Result()
        failure: Result | RpcError | None = None
        failures = 0
        called: list[Endpoint] = []
        outcomes: list[Result | RpcError] = []
        for endpoint in endpoints:
            if countdown is not None and countdown.expired and called:
                failure = no_time_left(f"{invocation} at {endpoint.address}")
                break
            called.append(endpoint)
            twin = invocation.copy()
            outcome = await _outcome(endpoint, twin)
            outcomes.append(outcome)
            invocation.remote_address = twin.remote_address
            if isinstance(outcome, Result) and outcome.exception is None:
                result = outcome
                continue
            failure = outcome
            failures += 1
            if failures >= most:
                break
        if isinstance(failure, RpcError):
            failure = of_all(failure, outcomes)
            raise self._failed(failure, invocation, called) from failure.__cause__
        return result if failure is None else failure


async def _outcome(endpoint: Endpoint, invocation: Invocation) -> Result | RpcError:
    try:
        return await endpoint.invoke(invocation)
    except RpcError as error:
        logger.warning("%s failed at %s: %s", invocation, endpoint.address, error)
        return error
