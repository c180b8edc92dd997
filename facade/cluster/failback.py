"""Once more, later."""

import asyncio
from contextvars import Context

from facade.cluster.chooser import Chooser
from facade.cluster.cluster import Cluster, empty, is_streamed
from facade.cluster.endpoint import Endpoint
from facade.core.attempt import number
from facade.core.errors import Code, RpcError
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.repeat import may_repeat
from facade.core.result import Result

logger = get_logger(__name__)


class Failback(Cluster):
    """Calls one endpoint. Where that fails on its way, the caller has None at once, or an empty
    stream, and the call is made again in the background. For notifications. (Dubbo:
    FailbackClusterInvoker)

    retries  attempts in the background: 3
    pause    seconds before each of them: 5.0
    tasks    so many calls may wait for one at most; a further one is logged and given up: 100

    A call is made again where that is safe, as failover does it: declare the method idempotent.
    Each attempt has the whole timeout. That there is no provider is raised. What still waits at
    ``close`` is given up.

    Mended: Dubbo makes any call again.
    """

    def __init__(
        self, chooser: Chooser, *, retries: int = 3, pause: float = 5.0, tasks: int = 100
    ) -> None:
        super().__init__(chooser)
        if retries < 0:
            raise ValueError(f"retries={retries}: attempts after the first, 0 or more")
        if not pause >= 0:
            raise ValueError(f"pause={pause}: seconds, 0 or more")
        if tasks < 0:
            raise ValueError(f"tasks={tasks}: how many calls may wait, 0 or more")
        self._retries = retries
        self._pause = pause
        self._most = tasks
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many calls are to be made again."""
        return len(self._tasks)

    async def invoke(self, invocation: Invocation) -> Result:
        twin = invocation.copy()
        endpoint = self._chooser.choose(invocation)
        try:
            return await endpoint.invoke(invocation)
        except RpcError as error:
            self._keep(twin, endpoint, error)
            return empty(invocation)

    def _keep(self, invocation: Invocation, last: Endpoint, error: RpcError) -> None:
        where = last.address
        safe = may_repeat(error, _idempotent(invocation))
        if not self._retries or is_streamed(invocation) or not safe:
            logger.error("%s failed at %s, and is given up: %s", invocation, where, error)
        elif len(self._tasks) >= self._most:
            logger.error(
                "%s failed at %s, and is given up: %d calls wait to be made again (tasks): %s",
                invocation,
                where,
                self._most,
                error,
            )
        else:
            logger.warning("%s failed at %s, and is made again: %s", invocation, where, error)
            # Nothing of the caller is to live on in it.
            task = asyncio.create_task(self._again(invocation, last), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _again(self, invocation: Invocation, last: Endpoint) -> None:
        for attempt in range(2, self._retries + 2):
            await asyncio.sleep(self._pause)
            twin = invocation.copy()
            twin.countdown = None
            number(twin, attempt)
            try:
                last = self._chooser.choose(twin, [last])
                await last.invoke(twin)
                return
            except RpcError as error:
                logger.warning("%s failed again, attempt %d: %s", invocation, attempt, error)
                # That nobody is there now is no reason not to come again.
                nobody = error.code is Code.NO_INVOKER_AVAILABLE
                if not nobody and not may_repeat(error, _idempotent(invocation)):
                    break
            except Exception:
                logger.exception("%s failed again, attempt %d", invocation, attempt)
                break
        logger.error("%s is given up", invocation)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            logger.warning("%d calls that were to be made again are given up", len(self._tasks))
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await super().close()


def _idempotent(invocation: Invocation) -> bool:
    return invocation.method is not None and invocation.method.idempotent
