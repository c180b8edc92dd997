"""Plain gRPC calls of ``/service/method``, through the provider's filters.

Of generated servicers that are mounted, and of services that are exported.
"""

from facade.provider.native.calls import NativeCalls
from facade.provider.native.host import Host
from facade.provider.native.mounts import Mounted, Mounts

__all__ = ["Host", "Mounted", "Mounts", "NativeCalls"]
