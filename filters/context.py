"""Give the method its surroundings; take what it sends back. (Dubbo: ContextFilter)"""

from facade.core.context import Request, reset_request, set_request
from facade.core.filter import PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.stream import at_end, is_stream


@activate(group=PROVIDER, order=-10_000)
class Context(Filter):
    """Fill ``RpcContext`` for the time of the call.

    ``response_attachments()`` go back with the result, over those that came back from
    calls that the method made in turn.

    Of a method that yields, the call lasts until its stream has ended.
    """

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        request = Request(invocation)
        token = set_request(request)
        streams = False
        try:
            result = await invoker.invoke(invocation)
            method = invocation.method
            streams = method is not None and method.yields and is_stream(result.value)
        finally:
            if not streams:
                request.ended = True
                reset_request(token)
        if streams:
            # The generator runs in this task, behind this filter: what was set stays.
            return _until_its_end(result, request)
        if request.response_attachments or request.downstream:
            _take_attachments(result, request)
        return result


def _until_its_end(result: Result, request: Request) -> Result:
    def end(outcome: Result | BaseException) -> None:
        request.ended = True
        _take_attachments(result, request)

    at_end(result, end)
    return result


def _take_attachments(result: Result, request: Request) -> None:
    result.attachments = {
        **request.downstream,
        **result.attachments,
        **request.response_attachments,
    }
