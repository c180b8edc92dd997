import pytest

from facade.cluster import State
from facade.cluster.balance import RoundRobin
from facade.core import Code, Sent, Unavailable
from facade.core.settings import ByMethod
from facade.testing import invocation


@pytest.fixture
def three(world):
    """Over three endpoints, all of them up."""

    def make(**settings):
        chooser = world.chooser("a:1", "b:1", "c:1", **settings)
        chooser.all(invocation())
        world.pass_time(1)
        chooser.all(invocation())
        return chooser

    return make


def cut(world, address):
    world.ways[address].available = world.ways[address].reachable = False


@pytest.mark.behaviour("B10.1")
async def test_no_provider_is_told_with_service_and_registry(world):
    """Dubbo's text, and its code; nothing was sent."""
    chooser = world.chooser(registry="zookeeper://host:2181")
    call = invocation("hello", service="demo.Greeter", group="g", version="1.0")
    with pytest.raises(Unavailable) as raised:
        chooser.choose(call)
    assert str(raised.value) == (
        "Failed to invoke the method hello in the service demo.Greeter. No provider available for "
        "the service g/demo.Greeter:1.0 from registry zookeeper://host:2181. Please check if the "
        "providers have been started and registered."
    )
    assert raised.value.code is Code.NO_INVOKER_AVAILABLE
    assert raised.value.sent is Sent.NOT_SENT


@pytest.mark.behaviour("B10.3")
async def test_one_alone_is_called_even_where_it_is_not_available(world):
    """It may wait for its connection, or say why there is none."""
    world.unreachable.add("a:1")
    chooser = world.chooser("a:1")
    assert chooser.choose(invocation()).address == "a:1"
    assert chooser.choose(invocation(), [chooser.choose(invocation())]).address == "a:1"


@pytest.mark.behaviour("B10.3", "B10.4")
async def test_what_was_tried_or_is_unavailable_is_not_chosen(world, three):
    """Whatever the balancer says first."""
    chooser = three()
    a, _, _ = chooser.all(invocation())
    cut(world, "b:1")
    assert {chooser.choose(invocation(), [a]).address for _ in range(30)} == {"c:1"}


@pytest.mark.behaviour("B10.5")
async def test_unavailable_one_is_reported(world, three):
    """The first call that finds it so takes it out of the list."""
    chooser = three(balancer=RoundRobin())
    cut(world, "b:1")
    for _ in range(3):
        assert chooser.choose(invocation()).address != "b:1"
    assert [e.address for e in chooser.all(invocation())] == ["a:1", "c:1"]


@pytest.mark.behaviour("B10.4")
async def test_where_all_were_tried_one_that_is_available_is_tried_again(world, three):
    """Rather than one that can't be reached."""
    chooser = three()
    everyone = list(chooser.all(invocation()))
    cut(world, "a:1")
    cut(world, "c:1")
    assert {chooser.choose(invocation(), everyone).address for _ in range(20)} == {"b:1"}


@pytest.mark.behaviour("B10.4")
async def test_where_none_is_available_an_untried_one_is_called(world):
    """They may yet connect within the time of the call."""
    world.unreachable |= {"a:1", "b:1", "c:1"}
    chooser = world.chooser("a:1", "b:1", "c:1")
    a, b, c = chooser.all(invocation())
    assert chooser.choose(invocation(), [a, c]) is b
    assert chooser.choose(invocation(), [a, b, c]) in (a, b, c)
    assert b.state is State.CONNECTING


@pytest.mark.behaviour("B10.2")
async def test_sticky_stays_until_it_can_not(world, three):
    """All methods with the same one; another when it was tried, or is gone."""
    chooser = three(sticky=True, balancer=RoundRobin())
    kept = chooser.choose(invocation("one"))
    assert {chooser.choose(invocation(name)) for name in ("one", "two") * 5} == {kept}
    other = chooser.choose(invocation("one"), [kept])
    assert other is not kept
    assert chooser.choose(invocation("one")) is other
    cut(world, other.address)
    assert chooser.choose(invocation("one")) is not other


@pytest.mark.behaviour("B10.2")
async def test_method_may_be_sticky_for_itself(three):
    """Its endpoint is not that of the others, which are balanced."""
    sticky = ByMethod({"one": True}, False)
    chooser = three(sticky=sticky, balancer=RoundRobin())
    assert len({chooser.choose(invocation("one")) for _ in range(6)}) == 1
    assert len({chooser.choose(invocation("two")) for _ in range(6)}) == 3
