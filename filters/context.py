"""Give the method its surroundings; take what it sends back. (Dubbo: ContextFilter)"""

from facade.core.context import Request, reset_request, set_request
from facade.core.filter import PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.result import Result


@activate(group=PROVIDER, order=-10_000)
class Context(Filter):
    """Fill ``RpcContext`` for the time of the call.

    ``response_attachments()`` go back with the result, over those that came back from
    calls that the method made in turn.
    """

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        request = Request(invocation)
        token = set_request(request)
        try:
            result = await invoker.invoke(invocation)
        finally:
            request.ended = True
            reset_request(token)
        if request.response_attachments or request.downstream:
            result.attachments = {
                **request.downstream,
                **result.attachments,
                **request.response_attachments,
            }
        return result
