"""Give an outgoing call its surroundings. (Dubbo: ConsumerContextFilter)"""

from collections.abc import Collection
from typing import Self

from facade.core.context import Request, current_place, current_request
from facade.core.countdown import TimeoutCountDown
from facade.core.errors import no_time_left
from facade.core.filter import CONSUMER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import FilterSettings
from facade.core.stream import at_end, is_stream


@activate(group=CONSUMER, order=-10_000)
class ConsumerContext(Filter):
    """Attach what ``RpcContext`` holds, and count the time down over the hops.

    - Attachments that the call served here brought are forwarded, those of
      ``client_attachments()`` override them, and those given to the call override both.
      ``propagate`` limits what is forwarded: names, or None for nothing.
    - A countdown that is running here caps the timeout. Nothing left: the call ends at
      once with TIMEOUT_TERMINATE, and nothing is sent. It is no matter of a call that is
      not ``in_countdown``.
    - What comes back is found in ``response_attachments()``.
    """

    needs_loop = False
    keys = {"propagate": (list, tuple, set, frozenset, type(None))}
    common = ("propagate",)

    def __init__(self, *, propagate: Collection[str] | None = ("*",)) -> None:
        self._forward_all = propagate is not None and "*" in propagate
        self._forward = frozenset(propagate or ())
        if not all(isinstance(name, str) for name in self._forward):
            raise TypeError(f"propagate={propagate!r}: it is a list of names, or None")

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        return cls(propagate=settings.get("propagate", ("*",)))

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        caller = invocation.caller
        if caller is None:  # made by hand
            here = current_place()
            here.invocation = invocation
            caller = here.caller
        request = current_request()
        if request is not None:
            self._forward_to(invocation, request)
            countdown = request.invocation.countdown
            counts = invocation.in_countdown and not request.ended
            if countdown is not None and counts:
                remaining = countdown.remaining
                if remaining <= 0:
                    return Result(exception=no_time_left(invocation))
                if invocation.timeout is None or remaining < invocation.timeout:
                    invocation.timeout = remaining
        elif invocation.taken:
            invocation.attachments = {**invocation.taken, **invocation.attachments}
        if invocation.timeout is not None:
            invocation.countdown = TimeoutCountDown(invocation.timeout)
        caller.response_attachments = {}
        result = await invoker.invoke(invocation)
        caller.response_attachments = result.attachments
        if request is not None:
            _bring_back(result, request)
        return result

    def _forward_to(self, invocation: Invocation, request: Request) -> None:
        forwarded = request.attachments
        if not self._forward_all:
            forwarded = {k: v for k, v in forwarded.items() if k in self._forward}
        invocation.attachments = {
            **forwarded,
            **(invocation.taken or {}),
            **invocation.attachments,
        }


# Apart, as what the inner function takes along would be two cells more in each call.
def _bring_back(result: Result, request: Request) -> None:
    """What came back, for the call that is served here."""
    if is_stream(result.value):  # what comes back with it comes at its end
        at_end(result, lambda _: request.downstream.update(result.attachments))
    else:
        request.downstream.update(result.attachments)
