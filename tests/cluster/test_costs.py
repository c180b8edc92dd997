"""What balancing adds to a call, in Python functions: as many on a busy machine as on another."""

import pytest

import facade
from tests.test_costs import CALLS, TEXT, Counting, Echo, EchoImpl

# How many functions of ours a call runs more than one of a client of one provider does: with one
# provider, and with three.
BOUNDS = {
    "random": (5, 7),
    "round_robin": (5, 8),
    "least_active": (5, 10),
    "shortest_response": (5, 11),
    "p2c": (5, 11),
    "consistent_hash": (5, 14),
}


async def count(target, **settings):
    async with facade.AsyncClient(target, timeout=30.0, **settings) as client:
        echo = client.refer(Echo).echo
        for _ in range(CALLS):
            await echo(TEXT)
        with Counting() as counting:
            for _ in range(CALLS):
                assert await echo(TEXT) == TEXT
    # A look at all endpoints is taken when time has passed, not with a call: a busy machine sees
    # more of them.
    looks = [n for name, n in counting.functions.items() if n < CALLS]
    return (counting.functions.total() - sum(looks)) // CALLS


@pytest.mark.parametrize("balancer", BOUNDS)
async def test_balancing_runs_few_functions(balancer):
    """With one provider there is nothing to choose; with three it takes little more."""
    servers = [facade.Server() for _ in range(3)]
    for server in servers:
        server.export(Echo, EchoImpl())
        await server.start()
    addresses = [f"127.0.0.1:{server.port}" for server in servers]
    direct = await count(addresses[0])
    for some, bound in zip((addresses[:1], addresses), BOUNDS[balancer], strict=True):
        added = await count("static:" + ",".join(some), loadbalance=balancer) - direct
        assert added <= bound, f"{len(some)} providers"
    for server in servers:
        await server.stop()
