"""The first that is there."""

from facade.cluster.cluster import Cluster
from facade.core.errors import Code, RpcError, Sent, Unavailable
from facade.core.invocation import Invocation
from facade.core.result import Result


class Available(Cluster):
    """Calls the first endpoint that is connected, in the order of the registry: a main provider,
    and others for when it is gone. Nothing is balanced. (Dubbo: AvailableClusterInvoker)"""

    async def invoke(self, invocation: Invocation) -> Result:
        endpoints = self._chooser.all(invocation)
        for endpoint in endpoints:
            if endpoint.available:
                try:
                    return await endpoint.invoke(invocation)
                except RpcError as error:
                    raise self._failed(error, invocation, [endpoint]) from error.__cause__
        raise Unavailable(
            f"No provider available in [{', '.join(e.address for e in endpoints)}] from the "
            f"registry {self.directory.registry}: none of them is connected",
            code=Code.NO_INVOKER_AVAILABLE,
            sent=Sent.NOT_SENT,
        )
