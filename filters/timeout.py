"""Do not answer what nobody waits for any more. (Dubbo: TimeoutFilter)"""

from facade.core.errors import DeadlineExceeded, Sent
from facade.core.filter import PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result, within

logger = get_logger(__name__)


@activate(group=PROVIDER)
class Timeout(Filter):
    """Clear a result that comes after its time, and mark it as expired.

    The method itself is left to finish, as in Dubbo, unless it says
    ``@facade.method(cancel_on_timeout=True)``. A call whose time was up before it could
    be started is refused. Beyond Dubbo: the mark lets a consumer that still waits raise
    a timeout, where a cleared result alone would be a false None.
    """

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        countdown = invocation.countdown
        if countdown is None:
            return await invoker.invoke(invocation)
        if countdown.expired:
            raise DeadlineExceeded(
                f"{invocation} was not started: its {countdown.timeout * 1000:.0f} ms were over "
                f"after {countdown.elapsed * 1000:.0f} ms in the provider's queue",
                sent=Sent.NOT_EXECUTED,
            )
        if invocation.method is not None and invocation.method.cancel_on_timeout:
            result = await within(countdown, invoker.invoke(invocation))
        else:
            result = await invoker.invoke(invocation)
        if result.expired or countdown.expired:
            result.clear()
            result.expired = True
            logger.warning(
                "invoke timed out. method: %s, invoke elapsed %.0f ms, timeout %.0f ms, for %s",
                invocation,
                countdown.elapsed * 1000,
                countdown.timeout * 1000,
                invocation.remote_address,
            )
        return result
