"""Several at once; the first answer is taken."""

import asyncio

from facade.cluster.chooser import Chooser
from facade.cluster.cluster import Cluster, is_streamed
from facade.cluster.endpoint import Endpoint
from facade.cluster.failure import failed, of_all
from facade.core.context import adopt
from facade.core.errors import RpcError
from facade.core.invocation import Invocation
from facade.core.result import Result

Attempt = asyncio.Task[Result]


class Forking(Cluster):
    """Calls ``forks`` endpoints at once, 0: all of them. The first answer is taken, the other
    calls are cancelled. For reads that must be quick, at the cost of several. (Dubbo:
    ForkingClusterInvoker)

    An exception of the method is an answer. Where all fail, the last error is raised. A call
    with streamed arguments goes to one endpoint.

    Mended: Dubbo lets the losers run on, and answers null when the time is up. The filter hedge
    asks the second one only when the first is slow.
    """

    def __init__(self, chooser: Chooser, *, forks: int = 2) -> None:
        super().__init__(chooser)
        if forks < 0:
            raise ValueError(f"forks={forks}: how many to call at once, or 0 for all")
        self._forks = forks
        # The loop itself would let a task be collected that still cleans up.
        self._losers: set[Attempt] = set()

    async def invoke(self, invocation: Invocation) -> Result:
        endpoints = self._chosen(invocation)
        if len(endpoints) == 1:
            try:
                return await endpoints[0].invoke(invocation)
            except RpcError as error:
                raise self._lost(error, invocation, endpoints) from error.__cause__
        invocation.start_countdown()
        running: dict[Attempt, Invocation] = {}
        for endpoint in endpoints:
            twin = invocation.copy()
            running[asyncio.create_task(_attempt(endpoint, twin, invocation))] = twin
        try:
            winner = await self._race(set(running), invocation, endpoints)
            twin = running[winner]
            invocation.remote_address = twin.remote_address
            invocation.local_address = twin.local_address
            invocation.remote_application = twin.remote_application
            invocation.attributes.update(twin.attributes)
            return winner.result()
        finally:
            for attempt in running:
                self._losers.add(attempt)
                attempt.add_done_callback(self._ended)
                attempt.cancel()  # nothing, where it is done

    def _chosen(self, invocation: Invocation) -> list[Endpoint]:
        endpoints = self._chooser.all(invocation)
        forks = 1 if is_streamed(invocation) else self._forks or len(endpoints)
        if forks >= len(endpoints):
            return list(endpoints)
        chosen: list[Endpoint] = []
        for _ in range(forks):
            endpoint = self._chooser.choose(invocation, chosen)
            if endpoint not in chosen:
                chosen.append(endpoint)
        return chosen

    async def _race(
        self, running: set[Attempt], invocation: Invocation, endpoints: list[Endpoint]
    ) -> Attempt:
        errors: list[RpcError] = []
        while True:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            # Answers first: two may be done at once.
            for attempt in sorted(done, key=lambda attempt: attempt.exception() is not None):
                error = attempt.exception()
                if error is None:
                    return attempt
                if not isinstance(error, RpcError):
                    raise error
                errors.append(error)
            if not running:
                error = of_all(errors[-1], errors)
                raise self._lost(error, invocation, endpoints) from error.__cause__

    def _lost(self, error: RpcError, invocation: Invocation, endpoints: list[Endpoint]) -> RpcError:
        how = "Failed to forking invoke"
        return failed(how, error, invocation, endpoints, self.directory)

    def _ended(self, attempt: Attempt) -> None:
        self._losers.discard(attempt)
        if not attempt.cancelled():
            attempt.exception()  # it was asked to end: how it did need not be logged


async def _attempt(endpoint: Endpoint, twin: Invocation, invocation: Invocation) -> Result:
    if invocation.caller is not None:
        adopt(invocation)  # its filters find the call, as in the task of the caller
    return await endpoint.invoke(twin)
