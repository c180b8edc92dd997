"""One attempt, and never an error."""

from facade.cluster.cluster import Cluster, empty
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result

logger = get_logger(__name__)


class Failsafe(Cluster):
    """Calls one endpoint, once. What goes wrong is logged, and the value is None then, or an
    empty stream. For what may be missed: audit logs, hints. (Dubbo: FailsafeClusterInvoker)

    An exception of the method is an answer. That there is no provider is raised.
    """

    async def invoke(self, invocation: Invocation) -> Result:
        endpoint = self._chooser.choose(invocation)
        try:
            return await endpoint.invoke(invocation)
        except Exception:
            logger.exception("%s failed at %s, and is left so", invocation, endpoint.address)
            return empty(invocation)
