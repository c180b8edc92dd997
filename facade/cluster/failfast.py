"""One attempt, and its error."""

from facade.cluster.cluster import Cluster
from facade.cluster.failure import failed
from facade.core.errors import RpcError
from facade.core.invocation import Invocation
from facade.core.result import Result


class Failfast(Cluster):
    """Calls one endpoint, once. For calls that change something, and are not idempotent.
    (Dubbo: FailfastClusterInvoker)"""

    async def invoke(self, invocation: Invocation) -> Result:
        endpoint = self._chooser.choose(invocation)
        try:
            return await endpoint.invoke(invocation)
        except RpcError as error:
            how = "Failfast: failed to invoke"
            raise failed(how, error, invocation, [endpoint], self.directory) from error.__cause__
