"""Which of several connections a call takes."""

import asyncio
from types import SimpleNamespace

from facade.consumer.connections import RoundRobin
from facade.core import Invocation


class Lease:
    """Gives these connections, one after the other. The first of them begins to drain as soon as
    it was given."""

    target = "somewhere"
    current = None

    def __init__(self, *connections):
        self._connections = list(connections)

    async def connect(self, invocation):
        connection = self._connections.pop(0)
        if self._connections:
            asyncio.get_running_loop().call_soon(setattr, connection, "usable", False)
        return connection


def connection():
    return SimpleNamespace(usable=True, calls=SimpleNamespace(loop=asyncio.get_running_loop()))


async def test_one_that_drains_before_its_call_goes():
    """The call takes another: an invocation behind drain would end the stream, and fail all
    calls on it."""
    first, second = connection(), connection()
    leases = [Lease(first, second), Lease(first, second)]
    taken = await RoundRobin(leases).connect(Invocation("demo.Bell", "ring"))
    assert taken is second
    assert taken.usable
