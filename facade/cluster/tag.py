"""Calls with a tag go to providers with that tag. (Dubbo: TagStateRouter)"""

from facade.cluster.router import Endpoints, Filtered
from facade.core.invocation import Invocation

# Attachments of a call. They are reserved: they go to the provider and no further.
TAG = "dubbo.tag"
FORCE = "dubbo.force.tag"


class TagRouter:
    """The attachment ``dubbo.tag`` of a call, or else the consumer's own ``tag``, names the
    providers that it goes to: those whose parameter ``dubbo.tag`` is the same.

    Where there is none of them, a call goes to those without a tag, unless it is forced: by
    ``force``, or by the attachment ``dubbo.force.tag`` "true". Calls without a tag go to
    providers without one, and nowhere else.
    """

    def __init__(self, tag: str = "", *, force: bool = False) -> None:
        self._tag = tag
        self._force = force
        self._filtered = Filtered()

    def route(self, endpoints: Endpoints, invocation: Invocation) -> Endpoints:
        attachments = invocation.attachments
        tag = attachments.get(TAG) or self._tag
        if tag:
            tagged = self._filtered.of(endpoints, tag, lambda e: e.provider.tag == tag)
            if tagged or self._force or attachments.get(FORCE) == "true":
                return tagged
        return self._filtered.of(endpoints, "", lambda e: not e.provider.tag)

    def __repr__(self) -> str:
        return f"TagRouter({self._tag!r}{', force=True' if self._force else ''})"
