"""A subset of many providers: even, and steady."""

from collections import Counter

import pytest

from facade.cluster import Subset
from facade.registry import Provider
from facade.testing import invocation
from tests.cluster.directory.listing import CALL, settle


def providers(count):
    return [Provider(f"10.0.{n // 250}.{n % 250}:50051") for n in range(count)]


async def test_subset_opens_no_more_than_it_says(world):
    """Of 1,000 providers a consumer is connected to 20, and to others for those that are down."""
    directory = world.directory(*providers(1000), subset=Subset(20, consumer="me"))
    directory.list(CALL)
    world.pass_time(1)
    used = directory.list(CALL)
    assert len(used) == len(world.opened) == 20
    world.ways[used[0].address].available = world.ways[used[0].address].reachable = False
    used[0].lost()
    directory.list(CALL)
    world.pass_time(0.1)
    now = directory.list(CALL)
    assert len(now) == 20
    assert set(used) - set(now) == {used[0]}
    world.ways[used[0].address].available = True
    world.pass_time(0.2)
    assert directory.list(CALL) == used
    await settle()
    assert sum(way.closed for way in world.ways.values()) == 1
    await directory.close()


async def test_subset_has_some_of_each_tag(world):
    """Or calls with a rare tag would find nobody."""
    tagged = [Provider(f"t{n}:1", parameters={"dubbo.tag": "gray"}) for n in range(3)]
    directory = world.directory(*providers(100), *tagged, subset=Subset(5, consumer="me"))
    assert len(directory.list(CALL)) == 5
    assert len(directory.list(invocation(attachments={"dubbo.tag": "gray"}))) == 3
    await directory.close()


def used(consumers, everyone, size, place):
    found = Counter({p.address: 0 for p in everyone})
    for n in range(consumers):
        subset = Subset(size, consumer=f"c{n}", place=(n, consumers) if place else None)
        found.update(p.address for p in subset.rank(everyone)[:size])
    return found


@pytest.mark.parametrize(
    ("consumers", "size", "count"), [(100, 10, 100), (300, 20, 70), (7, 3, 20)]
)
def test_aperture_is_even(consumers, size, count):
    """With a place, no provider has more than two consumers more than another."""
    found = used(consumers, providers(count), size, place=True)
    assert max(found.values()) - min(found.values()) <= 2


def test_rendezvous_is_even_on_average():
    """Without a place: about the mean, and nobody is left out or has all."""
    found = used(1000, providers(100), 20, place=False)
    assert sum(found.values()) == 20_000
    assert min(found.values()) >= 140
    assert max(found.values()) <= 260


def test_provider_that_leaves_changes_one_place():
    """The other 19 connections stay."""
    subset, everyone = Subset(20, consumer="me"), providers(200)
    before = subset.rank(everyone)[:20]
    after = subset.rank([p for p in everyone if p is not before[3]])[:20]
    assert len(set(before) - set(after)) == 1
