"""What balancing costs a call, as a figure of `make cluster`."""

import asyncio
import gc
import random
import time

import pytest

import facade
from facade.cluster import Clusters, Directory
from facade.core import FilterSettings, Result
from facade.registry import Provider
from facade.testing import invocation
from tests.servers.where import Here, Where
from tests.short import SHORT

pytestmark = pytest.mark.timeout(600)

ROUNDS = 20 if SHORT else 40
IN_FLIGHT = 256


class Nowhere:
    """A way that answers at once."""

    available = True
    held = False

    def __init__(self, provider):
        self._answer = Result()

    def begin(self):
        """There is nothing to connect to."""

    async def invoke(self, invocation):
        return self._answer

    async def close(self):
        """Nor to hang up."""


async def alone(invoke, calls=500):
    """Seconds of processor time that a call takes, one after the other."""
    call = invocation(timeout=1000.0)
    call.start_countdown()
    began = time.process_time()
    for _ in range(calls):
        await invoke(call)
    return (time.process_time() - began) / calls


async def together(methods, calls=8):
    """The same for calls at both ends, to any of these methods as the balancer would choose, 256 in
    flight."""

    async def some():
        for _ in range(calls):
            await random.choice(methods)()

    began = time.process_time()
    await asyncio.gather(*(some() for _ in range(IN_FLIGHT)))
    return (time.process_time() - began) / IN_FLIGHT / calls


async def test_cost_of_balancing(figure):
    """The processor time of what stands between a call and its provider, by itself, over that of
    a direct call at both ends, with 256 in flight. Each is the least of many short rounds: what a
    busy machine adds is in neither."""
    servers = [facade.Server() for _ in range(3)]
    for server in servers:
        server.export(Where, Here())
        await server.start()
    addresses = [f"127.0.0.1:{server.port}" for server in servers]
    directory = Directory(Nowhere, service="test.Where")
    directory.update([Provider(address) for address in addresses])
    layer, bare = Clusters(directory, FilterSettings({})), Nowhere(None)
    clients = [facade.AsyncClient(address, timeout=60.0) for address in addresses]
    many = facade.AsyncClient("static:" + ",".join(addresses), timeout=60.0)
    direct = [client.refer(Where).where for client in clients]
    balanced = [many.refer(Where).where]
    taken = [], [], [], []
    for _ in range(ROUNDS):
        gc.collect()
        taken[0].append(await alone(bare.invoke))
        taken[1].append(await alone(layer.invoke))
        taken[2].append(await together(direct))
        taken[3].append(await together(balanced))
    for client in (*clients, many):
        await client.close()
    await asyncio.gather(layer.close(), *(server.stop() for server in servers))
    without, within, one, _ = (min(times[1:]) for times in taken)
    added = within - without
    paired = sorted(many / one for one, many in zip(*taken[2:], strict=True))[ROUNDS // 2] - 1
    told = f"{added * 1e6:.1f} of {one * 1e6:.0f} us; all in all, noise included: {paired:+.1%}"
    figure("balancing: own cost over a direct call", round(added / one, 3), 0.05, told)
