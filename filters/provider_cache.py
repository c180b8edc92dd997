"""Answer again what was answered before, at the provider. (Dubbo: CacheFilter)"""

from facade.core.errors import Sent
from facade.core.filter import PROVIDER, activate
from facade.filters.cache import Cache


@activate(group=PROVIDER, order=-1_000, when="cache")
class ProviderCache(Cache):
    """The same at the provider: what is found in it is not run. See Cache."""

    _not_run = Sent.NOT_EXECUTED
