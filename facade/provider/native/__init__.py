"""Plain gRPC calls of ``/service/method``, through the provider's filters.

Of generated servicers that are mounted, and of services that are exported.
"""

from facade.provider.native.door import NativeDoor
from facade.provider.native.host import Host

__all__ = ["Host", "NativeDoor"]
