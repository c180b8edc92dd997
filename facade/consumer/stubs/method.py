"""A method of a stub, and the calls that are made of it."""

import math
from collections.abc import Iterable
from typing import Any

from facade.consumer.limit import Limits
from facade.consumer.stubs.conversation import Conversation
from facade.core.context import current_place
from facade.core.filter import Invoker
from facade.core.invocation import Invocation
from facade.core.method import Method, Parameter
from facade.exchange.metadata import to_attachments
from facade.exchange.native import Rpc


class StubMethod:
    """A method of a stub, and the chain that its calls run through.

    A call with one request and one answer has the time of the client's other calls unless it
    says ``timeout=``; any other has none.
    """

    def __init__(self, invoker: Invoker, limits: Limits, rpc: Rpc) -> None:
        _, service, name = rpc.path.split("/")
        self.rpc = rpc
        self._invoker = invoker
        self._limit = limits.of_generic(service, name)
        self._method = Method(
            service=service,
            name=name,
            parameters=(Parameter("request", Any),),
            returns=Any,
            streamed=("request",) if rpc.streamed else (),
            yields=rpc.yields,
        )

    def prepare(
        self,
        request: Any,
        timeout: float | None,
        metadata: Iterable[tuple[str, str | bytes]] | None,
        **options: Any,
    ) -> Conversation:
        """A call by whoever calls this, not begun yet."""
        pairs = tuple((name.lower(), value) for name, value in metadata or ())
        given = {name: value for name, value in options.items() if value is not None}
        invocation = self._invocation(request)
        invocation.attachments = to_attachments(pairs)
        if timeout is not None:
            invocation.timeout = timeout if timeout < math.inf else None
        conversation = Conversation(self._invoker, invocation, self.rpc, pairs, given)
        invocation.codec = conversation
        return conversation

    def _invocation(self, request: Any) -> Invocation:
        invocation = Invocation(
            self._method.service, self._method.name, (request,), method=self._method
        )
        limit = self._limit
        invocation.in_countdown = limit.in_countdown
        if not self._method.streaming:
            invocation.timeout = limit.seconds
        here = current_place()
        here.invocation = invocation
        caller = invocation.caller = here.caller
        if caller.client_attachments:
            taken = invocation.taken = caller.take()
            asked = limit.of_call(None, taken.pop("timeout", None))
            if asked is not limit:
                invocation.timeout = asked.seconds
        return invocation

    def __repr__(self) -> str:
        return f"<{self._method} by {self._invoker!r}>"
