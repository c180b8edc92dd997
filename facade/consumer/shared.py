"""Connectors that several clients hold. (Dubbo: ReferenceCountExchangeClient)"""

import asyncio
import threading
from collections.abc import Callable, Hashable

from facade.consumer.connector import Connector


class Shared:
    """Connectors by what they connect to, one for each event loop, counted by who holds them.

    A loop that is closed took its connections along: who held them takes anew.
    """

    def __init__(self) -> None:
        self._connectors: dict[tuple[asyncio.AbstractEventLoop, Hashable], Connector] = {}
        self._lock = threading.Lock()  # loops run in threads of their own

    def __len__(self) -> int:
        return len(self._connectors)

    def take(self, key: Hashable, make: Callable[[], Connector]) -> Connector:
        """That of the running loop; give it back when it is needed no more."""
        loop = asyncio.get_running_loop()
        with self._lock:
            for place in [p for p in self._connectors if p[0].is_closed()]:
                del self._connectors[place]
            connector = self._connectors.get((loop, key))
            if connector is None:
                connector = self._connectors[loop, key] = make()
            connector.holders += 1
            return connector

    def give_back(self, key: Hashable, connector: Connector) -> bool:
        """Whether nobody holds it any more: then it is out of here, and to be closed."""
        with self._lock:
            connector.holders -= 1
            if connector.holders:
                return False
            place = connector.loop, key
            if self._connectors.get(place) is connector:
                del self._connectors[place]
            return True


# The connections that clients of this process have in common.
SHARED = Shared()
