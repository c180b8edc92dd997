"""Who gets fewer calls, or none: those that are lost, new, or fail."""

import pytest

from facade.cluster import Health
from facade.core import Unavailable
from facade.registry import Provider
from facade.testing import invocation
from tests.cluster.directory.listing import CALL, addresses


@pytest.mark.behaviour("B10.5")
async def test_one_that_is_lost_gets_no_calls_and_comes_back_gradually(world):
    """It is looked at again and again; its weight grows from a tenth, over slow_start."""
    directory = world.directory("a:1", "b:1", health=Health(slow_start=5.0, check=0.1))
    directory.list(CALL)
    world.pass_time(1)
    a, _ = directory.list(CALL)
    world.ways["a:1"].available = world.ways["a:1"].reachable = False
    a.lost()
    assert addresses(directory.list(CALL)) == ["b:1"]
    asked = world.ways["a:1"].begun
    world.pass_time(0.1)
    assert addresses(directory.list(CALL)) == ["b:1"]
    assert world.ways["a:1"].begun > asked
    world.ways["a:1"].available = True
    world.pass_time(0.1)
    weights = []
    for _ in range(6):
        assert addresses(directory.list(CALL)) == ["a:1", "b:1"]
        weights.append(a.weight)
        world.pass_time(1)
    assert weights == pytest.approx([10, 28, 46, 64, 82, 100])
    await directory.close()


@pytest.mark.behaviour("B10.20")
@pytest.mark.parametrize(
    ("uptime", "weight"), [(-5, 1), (0, 1), (3, 1), (60, 10), (65, 10), (300, 50), (600, 100)]
)
async def test_weight_of_a_provider_that_started_grows(uptime, weight, world):
    """In whole numbers, from 1 to its own."""
    provider = Provider("a:1", warmup=600.0, started=world.wall - uptime)
    directory = world.directory(provider, "b:1")
    assert directory.list(CALL)[0].weight == weight
    world.pass_time(600)
    assert directory.list(CALL)[0].weight == (100 if uptime >= 0 else 99)
    await directory.close()


async def test_weight_of_0_gets_no_calls(world):
    """Unless all have it: then they are all alike."""
    directory = world.directory(Provider("a:1", weight=0), "b:1")
    assert addresses(directory.list(CALL)) == ["b:1"]
    directory.update([Provider("a:1", weight=0), Provider("b:1", weight=0)])
    assert addresses(directory.list(CALL)) == ["a:1", "b:1"]
    await directory.close()


async def fail(world, endpoint, times):
    world.answer(endpoint.address, error=Unavailable("no"))
    for _ in range(times):
        with pytest.raises(Unavailable):
            await endpoint.invoke(invocation())


async def test_one_that_fails_is_ejected_for_longer_each_time(world):
    """Seven failures in succession; 5 s, then 10 s; and then it begins with a tenth."""
    directory = world.directory("a:1", "b:1", "c:1", health=Health(eject_for=5.0))
    directory.list(CALL)
    world.pass_time(1)
    a = directory.list(CALL)[0]
    await fail(world, a, 6)
    assert a in directory.list(CALL)
    for seconds in (5.0, 10.0):
        await fail(world, a, 7)
        assert addresses(directory.list(CALL)) == ["b:1", "c:1"]
        world.pass_time(seconds - 0.1)
        assert addresses(directory.list(CALL)) == ["b:1", "c:1"]
        world.pass_time(0.2)
        assert addresses(directory.list(CALL)) == ["a:1", "b:1", "c:1"]
        assert a.weight == pytest.approx(10)
    await directory.close()


async def test_never_more_than_half_are_ejected(world):
    """When all fail it is not for one of them, and somebody has to be called."""
    directory = world.directory("a:1", "b:1", "c:1", "d:1", "e:1")
    directory.list(CALL)
    world.pass_time(1)
    for endpoint in directory.list(CALL):
        await fail(world, endpoint, 10)
    assert len(directory.list(CALL)) == 3
    await directory.close()


async def test_one_alone_is_never_ejected(world):
    """It is that or nothing."""
    directory = world.directory("a:1")
    directory.list(CALL)
    world.pass_time(1)
    await fail(world, directory.list(CALL)[0], 20)
    assert addresses(directory.list(CALL)) == ["a:1"]
    await directory.close()
