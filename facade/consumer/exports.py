"""What a consumer exports, beside its callbacks."""

from facade.core.errors import Unimplemented
from facade.core.invocation import Invocation
from facade.exchange.answering import Export


class _NothingExported:
    oneway_failures = 0

    def find(self, invocation: Invocation) -> Export:
        raise Unimplemented(f"{invocation}: this end is a consumer and exports nothing")


NOTHING_EXPORTED = _NothingExported()
