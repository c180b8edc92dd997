"""Providers of the consumer's own zone go first."""

import pytest

from facade.cluster import Subset, ZoneRouter
from facade.core import Unavailable
from facade.registry import Provider
from facade.testing import invocation

CALL = invocation()
NEAR, FAR = {"zone": "east"}, {"zone": "west"}


def provider(address, parameters=NEAR, **facts):
    return Provider(address, parameters=parameters, **facts)


THREE = (provider("a:1"), provider("b:1"), provider("c:1", FAR))


def listed(directory):
    return [endpoint.address for endpoint in directory.list(CALL)]


def calm(world, directory):
    """Let it see that all are connected."""
    directory.list(CALL)
    world.pass_time(10)


async def test_near_ones_are_called(world):
    """And nobody else, from the first call on; the list stays the same for balancers."""
    directory = world.directory(*THREE, zone="east")
    assert listed(directory) == ["a:1", "b:1"]
    calm(world, directory)
    assert directory.list(CALL) is directory.list(CALL)
    assert listed(directory) == ["a:1", "b:1"]


async def test_near_ones_are_waited_for(world):
    """While nobody at all is connected yet."""
    world.unreachable = {"a:1", "b:1", "c:1"}
    assert listed(world.directory(*THREE, zone="east")) == ["a:1", "b:1"]


@pytest.mark.behaviour("B10.16")
async def test_calls_go_elsewhere_and_come_back(world):
    """While none of them can be used."""
    directory = world.directory(*THREE, zone="east")
    calm(world, directory)
    for address in ("a:1", "b:1"):
        assert listed(directory) != ["c:1"]
        world.ways[address].available = False
        world.ways[address].reachable = False
        directory.changed()
    assert listed(directory) == ["c:1"]
    world.ways["b:1"].reachable = True
    world.pass_time(1)
    assert listed(directory) == ["b:1"]


async def test_ejected_and_unwanted_ones_do_not_count(world):
    """One whose calls fail, and one of weight 0: others are called."""
    gone = provider("b:1", weight=0)
    directory = world.directory(THREE[0], gone, THREE[2], zone="east")
    calm(world, directory)
    assert listed(directory) == ["a:1"]
    world.answer("a:1", error=Unavailable("no"))
    endpoint = directory.list(CALL)[0]
    for _ in range(10):
        with pytest.raises(Unavailable):
            await endpoint.invoke(CALL)
    directory.changed()
    assert listed(directory) == ["c:1"]


@pytest.mark.parametrize("zone", ["", "north"])
async def test_without_any_near_all_are_called(world, zone):
    """A zone is a preference, and no rule."""
    directory = world.directory(*THREE, zone=zone)
    assert listed(directory) == ["a:1", "b:1", "c:1"]


async def test_subset_takes_near_ones_first(world):
    """Others are connected to when those are down."""
    far = [provider(f"far{n}:1", FAR) for n in range(30)]
    near = [provider(f"near{n}:1") for n in range(3)]
    directory = world.directory(*far, *near, zone="east", subset=Subset(3, consumer="me"))
    directory.list(CALL)
    assert sorted(world.opened) == ["near0:1", "near1:1", "near2:1"]
    world.ways["near0:1"].available = world.ways["near0:1"].reachable = False
    world.pass_time(1)
    directory.list(CALL)
    assert len(world.opened) == 4


async def test_subset_alone_knows_no_zones(world):
    """Whether a provider names one, or not."""
    named = [provider(f"named{n}:1") for n in range(30)]
    plain = [provider(f"plain{n}:1", {}) for n in range(30)]
    directory = world.directory(*named, *plain, subset=Subset(20, consumer="me"))
    directory.list(CALL)
    assert any(address.startswith("named") for address in world.opened)


def test_router_needs_a_zone():
    with pytest.raises(ValueError, match="which one"):
        ZoneRouter("")
    assert repr(ZoneRouter("east")) == "ZoneRouter('east')"
