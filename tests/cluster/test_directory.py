import asyncio
from collections import Counter

import pytest

from facade.cluster import Directory, Health, State, Subset
from facade.core import Code, Unavailable
from facade.registry import Provider
from facade.testing import invocation

CALL = invocation()


def addresses(endpoints):
    return [endpoint.address for endpoint in endpoints]


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_nothing_is_opened_before_the_first_call(world):
    """A client that is made and never used connects nowhere."""
    directory = world.directory("a:1", "b:1")
    assert world.opened == []
    directory.list(CALL)
    assert world.opened == ["a:1", "b:1"]
    await directory.close()


async def test_connections_may_be_begun_before_any_call(world):
    """For a client that is to be ready."""
    directory = world.directory("a:1", "b:1")
    directory.begin()
    assert world.opened == ["a:1", "b:1"]
    await directory.close()


async def test_one_that_cannot_be_opened_fails_no_other_call(world, caplog):
    """It is logged once and left out; alone, it says what is wrong."""

    def open(provider):
        if provider.address == "b:1":
            raise ValueError("no such port")
        return world.open(provider)

    directory = Directory(open, clock=world.clock, wall=world.wall_clock)
    directory.update([Provider("a:1"), Provider("b:1")])
    for _ in range(3):
        assert addresses(directory.list(CALL)) == ["a:1"]
        world.pass_time(2)
    assert caplog.text.count("b:1 gets no calls") == 1
    directory.update([Provider("b:1")])
    with pytest.raises(ValueError, match="no such port"):
        await directory.list(CALL)[0].invoke(invocation())
    await directory.close()


async def test_list_is_the_same_object_while_nothing_changes(world):
    """What balancers and routers make of a list is kept by its identity."""
    directory = world.directory("a:1", "b:1")
    directory.list(CALL)
    world.pass_time(1)
    first = directory.list(CALL)
    world.pass_time(30)
    assert directory.list(CALL) is first
    directory.update([Provider("a:1"), Provider("b:1", weight=7)])
    second = directory.list(CALL)
    assert second is not first
    assert [e.weight for e in second] == [100, 7]
    await directory.close()


async def test_endpoints_stay_where_their_provider_stays(world):
    """A push that adds one provider opens one; the one that is gone is closed."""
    directory = world.directory("a:1", "b:1")
    directory.list(CALL)
    directory.update([Provider("b:1"), Provider("c:1")])
    world.pass_time(1)
    assert addresses(directory.list(CALL)) == ["b:1", "c:1"]
    assert world.opened == ["a:1", "b:1", "c:1"]
    await settle()
    assert [address for address, way in world.ways.items() if way.closed] == ["a:1"]
    await directory.close()


async def test_new_provider_gets_calls_once_it_is_connected(world):
    """Until then the others have them: a call never waits for a provider that just came."""
    directory = world.directory("a:1")
    directory.list(CALL)
    world.pass_time(1)
    world.unreachable.add("b:1")
    directory.update([Provider("a:1"), Provider("b:1")])
    assert addresses(directory.list(CALL)) == ["a:1"]
    world.ways["b:1"].available = True
    world.pass_time(0.02)
    assert addresses(directory.list(CALL)) == ["a:1", "b:1"]
    await directory.close()


async def test_those_that_connect_are_called_where_nothing_else_is(world):
    """The first call waits for a connection, and does not fail at once."""
    world.unreachable |= {"a:1", "b:1"}
    directory = world.directory("a:1", "b:1")
    assert addresses(directory.list(CALL)) == ["a:1", "b:1"]
    world.pass_time(5)
    assert addresses(directory.list(CALL)) == ["a:1", "b:1"]
    assert {e.state for e in directory.endpoints} == {State.DOWN}
    await directory.close()


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


async def test_empty_push_empties_nothing_that_answers(world):
    """A registry that has lost its memory takes no provider away that is there."""
    directory = world.directory("a:1", "b:1", keep=60.0)
    directory.list(CALL)
    world.pass_time(1)
    directory.update([])
    assert len(directory.list(CALL)) == 2
    world.ways["a:1"].available = world.ways["a:1"].reachable = False
    world.pass_time(59)
    directory.list(CALL)
    assert directory.size == 2
    world.pass_time(2)
    assert addresses(directory.list(CALL)) == ["b:1"]
    assert directory.size == 1
    world.pass_time(1000)
    assert addresses(directory.list(CALL)) == ["b:1"]
    directory.update([Provider("c:1")])
    world.pass_time(1)
    assert addresses(directory.list(CALL)) == ["c:1"]
    await directory.close()


async def test_idle_endpoint_is_closed_and_opened_by_the_next_call(world):
    """It stays in the list: that it is closed is no reason to send its calls elsewhere."""
    directory = world.directory("a:1", "b:1", idle=300.0)
    directory.list(CALL)
    world.pass_time(1)
    a, b = directory.list(CALL)
    world.pass_time(299)
    await a.invoke(invocation())
    world.pass_time(10)
    directory.sweep()
    await settle()
    assert (world.ways["a:1"].closed, world.ways["b:1"].closed) == (False, True)
    assert directory.list(CALL) == (a, b)
    assert b.state is State.IDLE
    assert (await b.invoke(invocation())).value == "b:1"
    assert world.opened == ["a:1", "b:1", "b:1"]
    await directory.close()


async def test_idle_connections_are_closed_without_any_call(world):
    """By a timer: nobody has to call to have a connection closed."""
    directory = world.directory("a:1", idle=0.01)
    directory.list(CALL)
    directory.list(CALL)
    world.pass_time(1)
    await world.ways["a:1"].hung_up.wait()
    await directory.close()


async def test_running_call_is_not_idle(world):
    """However long it takes."""
    directory = world.directory("a:1", idle=1.0)
    release = asyncio.Event()
    world.answer("a:1", function=lambda call: release.wait())
    endpoint = directory.list(CALL)[0]
    task = asyncio.create_task(endpoint.invoke(invocation()))
    await settle()
    world.pass_time(100)
    directory.sweep()
    await settle()
    assert not world.ways["a:1"].closed
    release.set()
    await task
    await directory.close()


@pytest.mark.behaviour("B10.30", "B10.31")
async def test_closed_directory_says_so(world):
    """All endpoints are closed, and a call is told what to do."""
    directory = world.directory("a:1", "b:1")
    directory.list(CALL)
    await directory.close()
    assert all(way.closed for way in world.ways.values())
    with pytest.raises(Unavailable, match="registry static is closed") as raised:
        directory.list(CALL)
    assert raised.value.code is Code.NO_INVOKER_AVAILABLE
    directory.update([Provider("c:1")])
    assert directory.size == 0


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
    assert len(directory.list(CALL)) == 8
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


@pytest.mark.parametrize(
    "make",
    [
        lambda: Subset(0),
        lambda: Subset(5, place=(3, 3)),
        lambda: Health(failing=2.0),
        lambda: Health(slow_start=-1.0),
        lambda: Directory(lambda p: p, idle=0.0),
    ],
)
def test_wrong_settings_are_refused(make):
    """When the client is made."""
    with pytest.raises(ValueError, match="="):
        make()
