"""What a service sees of outages, from its first call to long after: in seconds that are turned."""

from collections import Counter

import pytest

from facade.cluster import Clusters
from facade.cluster.balance import BALANCERS
from facade.core import FilterSettings, RpcError, Sent, Unavailable
from facade.registry import Provider
from facade.testing import invocation

FIVE = [f"10.0.0.{n}:50051" for n in range(1, 6)]

# Seconds between two rounds of calls, and calls of each.
TICK = 0.1
CALLS = 20


class Service:
    """Five providers that can be stopped and started, and calls all the time."""

    def __init__(self, world, **settings):
        self.world = world
        self.directory = world.directory(*FIVE)
        self.clusters = Clusters(self.directory, FilterSettings(settings))
        self.failed = 0
        self.answered = Counter()
        self.refused = Counter()

    def stop(self, address, sent=Sent.NOT_SENT):
        """Its connection is lost, and it can't be connected."""

        def refuse(call):
            way = self.world.ways[address]
            way.available = way.reachable = False
            self.refused[address] += 1
            raise Unavailable("gone", sent=sent)

        self.world.answer(address, function=refuse)

    def start(self, address):
        self.world.answer(address, value=address)
        self.world.ways[address].reachable = True

    async def run(self, seconds):
        """Calls for so long; which were answered by whom."""
        self.answered.clear()
        for tick in range(round(seconds / TICK)):
            for n in range(CALLS):
                try:
                    result = await self.clusters.invoke(invocation("find", f"{tick}-{n}"))
                except RpcError:
                    self.failed += 1
                else:
                    self.answered[result.value] += 1
            self.world.pass_time(TICK)
        return self.answered


# A hash sends keys where they belong: its shares are those of the keys.
EVEN = [name for name in BALANCERS if name != "consistent_hash"]


@pytest.mark.parametrize("loadbalance", BALANCERS)
async def test_rolling_restart_costs_no_call(loadbalance, world):
    """Each provider drains in turn, is gone for a while, and comes back."""
    service = Service(world, loadbalance=loadbalance)
    await service.run(2.0)
    for address in FIVE:
        service.stop(address, sent=Sent.NOT_EXECUTED)
        await service.run(2.0)
        assert service.refused[address] <= 1
        service.start(address)
        await service.run(6.0)
    assert service.failed == 0
    assert set(service.answered) == set(FIVE)
    await service.clusters.close()


@pytest.mark.parametrize("loadbalance", EVEN)
async def test_load_is_even_ten_seconds_after_half_were_killed(loadbalance, world):
    """Each has within 15 % of its fifth, though they came back gradually."""
    service = Service(world, loadbalance=loadbalance)
    await service.run(2.0)
    for address in FIVE[:2]:
        service.stop(address)
    await service.run(5.0)
    assert set(service.answered) == set(FIVE[2:])
    for address in FIVE[:2]:
        service.start(address)
    await service.run(1.0)
    first = sum(service.answered[address] for address in FIVE[:2])
    assert 0 < first < 0.4 * service.answered.total() / 1.5
    await service.run(9.0)
    await service.run(40.0)
    for address in FIVE:
        share = service.answered[address] / service.answered.total()
        assert share == pytest.approx(0.2, rel=0.15)
    assert service.failed == 0
    await service.clusters.close()


@pytest.mark.parametrize("loadbalance", BALANCERS)
async def test_provider_that_fails_at_once_does_not_draw_calls(loadbalance, world):
    """It is quick and never busy; but it answers nothing."""
    service = Service(world, loadbalance=loadbalance)
    await service.run(2.0)
    world.answer(FIVE[0], error=Unavailable("broken", sent=Sent.NOT_EXECUTED))
    before = world.calls(FIVE[0])
    await service.run(20.0)
    assert service.failed <= 10
    assert world.calls(FIVE[0]) - before < 0.02 * service.answered.total()
    await service.clusters.close()


async def test_registry_that_names_nobody_costs_no_call(world):
    """It may be empty as long as it likes."""
    service = Service(world)
    await service.run(2.0)
    service.directory.update([])
    await service.run(120.0)
    service.directory.update([Provider(address) for address in FIVE])
    await service.run(2.0)
    assert service.failed == 0
    assert len(world.opened) == 5
    await service.clusters.close()


async def test_all_gone_and_back(world):
    """While nobody is there calls fail, with little more attempts than calls; then they go."""
    service = Service(world)
    await service.run(2.0)
    for address in FIVE:
        service.stop(address)
    await service.run(3.0)
    assert service.failed == 30 * CALLS
    assert sum(service.refused.values()) <= 1.1 * service.failed
    for address in FIVE:
        service.start(address)
    service.failed = 0
    world.pass_time(0.1)
    await service.run(2.0)
    assert service.failed == 0
    await service.clusters.close()
