"""What balancing adds to a call, in Python functions: as many on a busy machine as on another."""

import contextlib
from statistics import median

import pytest

import facade
from tests.test_costs import CALLS, TEXT, Counting, Echo, EchoImpl

# How many functions of ours a call runs more than one of a client of one provider does: with one
# provider, and with three.
BOUNDS = {
    "random": (5, 7),
    "round_robin": (5, 8),
    "least_active": (5, 9),
    "shortest_response": (5, 11),
    "p2c": (5, 11),
    "consistent_hash": (5, 12),
}


async def count(target, **settings):
    async with facade.AsyncClient(target, timeout=30.0, **settings) as client:
        echo = client.refer(Echo).echo
        for _ in range(CALLS):
            await echo(TEXT)
        counted = []
        for _ in range(CALLS):
            with Counting() as counting:
                assert await echo(TEXT) == TEXT
            counted.append(counting.functions.total())
    # Of most calls: a look at all endpoints, or a heartbeat, comes with time, and what is read in
    # one go with luck.
    return median(counted)


@pytest.mark.parametrize("balancer", BOUNDS)
async def test_balancing_runs_few_functions(balancer):
    """With one provider there is nothing to choose; with three it takes little more."""
    async with contextlib.AsyncExitStack() as running:
        addresses = []
        for _ in range(3):
            server = facade.Server()
            server.export(Echo, EchoImpl())
            await running.enter_async_context(server)
            addresses.append(f"127.0.0.1:{server.port}")
        direct = await count(addresses[0])
        for some, bound in zip((addresses[:1], addresses), BOUNDS[balancer], strict=True):
            added = await count("static:" + ",".join(some), loadbalance=balancer) - direct
            assert added <= bound, f"{len(some)} providers"
