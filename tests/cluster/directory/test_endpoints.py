"""Which endpoints a directory opens, keeps and closes."""

import asyncio

import pytest

from facade.cluster import Directory, Health, State, Subset
from facade.core import Code, Unavailable
from facade.registry import Provider
from facade.testing import invocation
from tests.cluster.directory.listing import CALL, addresses, settle


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
    directory.sweep()
    await a.invoke(invocation())
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
    for _ in range(3):
        directory.sweep()
    await settle()
    assert not world.ways["a:1"].closed
    release.set()
    await task
    directory.sweep()  # it has ended since
    await settle()
    assert not world.ways["a:1"].closed
    directory.sweep()
    await settle()
    assert world.ways["a:1"].closed
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
