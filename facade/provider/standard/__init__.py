"""gRPC's standard services, for its tools: health, reflection, channelz.

They answer beside the exported services: no filter sees their calls, and a stop does not
wait for them. What they need is imported when a server starts.
"""

from facade.provider.standard.health import Health
from facade.provider.standard.services import StandardServices

__all__ = ["Health", "StandardServices"]
