"""Those that do not simply call one, and another where it fails."""

import asyncio
import logging

import pytest

from facade.cluster import Available, Broadcast, Failback, Failsafe, Forking
from facade.core import (
    Code,
    DeadlineExceeded,
    InvalidArgument,
    Method,
    Sent,
    TimeoutCountDown,
    Unavailable,
)
from facade.testing import invocation

HARMFUL = Method("test.Service", "hello", (), str)
IDEMPOTENT = Method("test.Service", "hello", (), str, idempotent=True)
YIELDS = Method("test.Service", "hello", (), str, yields=True)
STREAMED = Method("test.Service", "hello", (), str, streamed=("items",))

THREE = ("a:1", "b:1", "c:1")


def call(method=HARMFUL, **facts):
    made = invocation(**facts)
    made.method = method
    return made


def lost():
    return Unavailable("lost", sent=Sent.MAYBE_EXECUTED)


def not_sent():
    return Unavailable("no connection", sent=Sent.NOT_SENT)


async def rounds(count=20):
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.behaviour("B10.10")
async def test_failsafe_logs_and_answers_nothing(world, caplog):
    """Whatever was raised; a stream without items where one was to come."""
    world.answer("a:1", error=lost())
    cluster = Failsafe(world.chooser("a:1"))
    assert (await cluster.invoke(call())).value is None
    assert "is left so" in caplog.text
    world.answer("a:1", error=ValueError("a filter"))
    result = await cluster.invoke(call(YIELDS))
    assert [item async for item in result.value] == []


@pytest.mark.behaviour("B10.10", "B10.11")
@pytest.mark.parametrize("kind", [Failsafe, Failback])
async def test_no_provider_is_raised_even_so(kind, world):
    """It is a mistake, and not a failure."""
    with pytest.raises(Unavailable, match="No provider available"):
        await kind(world.chooser()).invoke(call())


@pytest.mark.behaviour("B10.11")
async def test_failback_calls_again_in_the_background(world):
    """The caller has None at once; the next attempt goes to another provider."""
    order = []

    def answer(call):
        order.append(call.attachments.get("call.attempt"))
        if len(order) < 3:
            raise lost()

    for address in THREE:
        world.answer(address, function=answer)
    cluster = Failback(world.chooser(*THREE), pause=0.0)
    assert (await cluster.invoke(call(IDEMPOTENT))).value is None
    assert cluster.waiting == 1
    await rounds()
    assert order == [None, "2", "3"]
    assert cluster.waiting == 0


@pytest.mark.behaviour("B10.11")
async def test_failback_gives_up_after_its_retries(world, caplog):
    """Not for ever."""
    world.answer("a:1", error=lost())
    cluster = Failback(world.chooser("a:1"), pause=0.0, retries=2)
    await cluster.invoke(call(IDEMPOTENT))
    await rounds()
    assert world.calls("a:1") == 3
    assert "is given up" in caplog.text


@pytest.mark.behaviour("B10.11")
async def test_failback_keeps_only_so_many(world, caplog):
    """One more is logged and given up; what waits at the end is, too."""
    world.answer("a:1", error=lost())
    cluster = Failback(world.chooser("a:1"), pause=100.0, tasks=2)
    for _ in range(3):
        await cluster.invoke(call(IDEMPOTENT))
    assert cluster.waiting == 2
    assert "2 calls wait" in caplog.text
    await cluster.close()
    assert cluster.waiting == 0


async def test_failback_repeats_nothing_that_may_have_run(world):
    """Unless the method is idempotent."""
    world.answer("a:1", error=lost())
    cluster = Failback(world.chooser("a:1"), pause=0.0)
    await cluster.invoke(call(HARMFUL))
    assert cluster.waiting == 0


async def test_failback_has_the_whole_time_again(world):
    """That of the caller is long over."""
    left = []

    def answer(call):
        left.append(call.countdown)
        if len(left) == 1:
            raise lost()

    world.answer("a:1", function=answer)
    cluster = Failback(world.chooser("a:1"), pause=0.0)
    own = call(IDEMPOTENT, timeout=1.0)
    own.countdown = TimeoutCountDown(1.0)
    await cluster.invoke(own)
    await rounds()
    assert left == [own.countdown, None]


def slow(value, release, ended):
    async def answer(call):
        try:
            await release.wait()
        except asyncio.CancelledError:
            ended.append(value)
            raise
        call.attributes["from"] = value
        return value

    return answer


@pytest.mark.behaviour("B10.12")
async def test_forking_takes_the_first_and_cancels_the_rest(world):
    """All forks are called at once; what the winner learned is known of the call."""
    first, never = asyncio.Event(), asyncio.Event()
    ended = []
    world.answer("a:1", function=slow("a", never, ended))
    world.answer("b:1", function=slow("b", first, ended))
    cluster = Forking(world.chooser("a:1", "b:1"))
    own = call()
    task = asyncio.create_task(cluster.invoke(own))
    await rounds()
    assert world.calls("a:1") == world.calls("b:1") == 1
    first.set()
    assert (await task).value == "b"
    await rounds()
    assert ended == ["a"]
    assert own.attributes["from"] == "b"
    assert all(e.active == 0 for e in cluster.directory.endpoints)


@pytest.mark.behaviour("B10.12")
@pytest.mark.parametrize(("forks", "called"), [(1, 1), (2, 2), (0, 3), (7, 3)])
async def test_forking_calls_so_many(forks, called, world):
    """0, or more than there are: all. Different ones."""
    error = lost()
    for address in THREE:
        world.answer(address, error=error)
    with pytest.raises(Unavailable, match="Failed to forking invoke"):
        await Forking(world.chooser(*THREE), forks=forks).invoke(call())
    assert [world.calls(a) for a in THREE].count(1) == called


async def test_forking_waits_for_one_that_answers(world):
    """A failure is not the first answer."""
    for address in ("a:1", "b:1"):
        world.answer(address, error=lost())
    cluster = Forking(world.chooser(*THREE), forks=3)
    assert (await cluster.invoke(call())).value == "c:1"


async def test_forking_ends_with_its_caller(world):
    """A cancelled call leaves nothing running."""
    ended = []
    for address in THREE:
        world.answer(address, function=slow(address, asyncio.Event(), ended))
    task = asyncio.create_task(Forking(world.chooser(*THREE), forks=0).invoke(call()))
    await rounds()
    task.cancel()
    await asyncio.wait([task])
    await rounds()
    assert sorted(ended) == list(THREE)


async def test_forking_tells_of_all_that_failed(world):
    """When one may have run, the call may have, though another was not sent."""

    async def fail_later(call):
        await rounds()
        raise not_sent()

    world.answer("a:1", error=lost())
    world.answer("b:1", function=fail_later)
    with pytest.raises(Unavailable, match="no connection") as raised:
        await Forking(world.chooser("a:1", "b:1"), forks=0).invoke(call())
    assert raised.value.sent is Sent.MAYBE_EXECUTED
    world.answer("a:1", error=not_sent())
    with pytest.raises(Unavailable) as raised:
        await Forking(world.chooser("a:1", "b:1"), forks=0).invoke(call())
    assert raised.value.sent is Sent.NOT_SENT


@pytest.mark.parametrize("first", [{}, {"error": lost()}, {"exception": KeyError("a")}])
async def test_broadcast_tells_of_all_that_were_called(first, world):
    """It has run at one, or may have, though it was not sent to the last."""
    world.answer("a:1", **first)
    error = not_sent()
    world.answer("b:1", error=error)
    with pytest.raises(Unavailable) as raised:
        await Broadcast(world.chooser("a:1", "b:1")).invoke(call())
    assert raised.value.sent is Sent.MAYBE_EXECUTED
    assert error.sent is Sent.NOT_SENT  # it may be that of another call, too
    with pytest.raises(Unavailable) as raised:
        await Broadcast(world.chooser("b:1")).invoke(call())
    assert raised.value.sent is Sent.NOT_SENT


async def test_broadcast_without_time_for_all_has_run_at_some(world):
    """The call was not sent to the second, but it was to the first."""
    own = call(timeout=1.0)
    own.countdown = TimeoutCountDown(1.0)

    def take_all_the_time(call):
        own.countdown.deadline -= 2.0

    world.answer("a:1", function=take_all_the_time)
    with pytest.raises(DeadlineExceeded) as raised:
        await Broadcast(world.chooser("a:1", "b:1")).invoke(own)
    assert raised.value.code is Code.TIMEOUT_TERMINATE
    assert raised.value.sent is Sent.MAYBE_EXECUTED


async def test_streamed_argument_goes_to_one(world):
    """It can be read once."""
    await Forking(world.chooser(*THREE), forks=0).invoke(call(STREAMED))
    assert sum(world.calls(a) for a in THREE) == 1
    with pytest.raises(InvalidArgument, match="can be read once"):
        await Broadcast(world.chooser(*THREE)).invoke(call(STREAMED))


@pytest.mark.behaviour("B10.13")
async def test_broadcast_calls_all_in_turn(world):
    """The last value is given."""
    assert (await Broadcast(world.chooser(*THREE)).invoke(call())).value == "c:1"
    assert [world.calls(a) for a in THREE] == [1, 1, 1]


@pytest.mark.behaviour("B10.13")
async def test_broadcast_raises_the_last_error_once_all_were_called(world):
    """An exception of the method counts as one."""
    world.answer("a:1", exception=KeyError("a"))
    result = await Broadcast(world.chooser(*THREE)).invoke(call())
    assert isinstance(result.exception, KeyError)
    world.answer("b:1", error=lost())
    with pytest.raises(Unavailable, match=r"of the providers \[a:1, b:1, c:1\]"):
        await Broadcast(world.chooser(*THREE)).invoke(call())
    assert world.calls("c:1") == 1  # of the second world of ways


@pytest.mark.behaviour("B10.13")
async def test_broadcast_stops_when_too_many_have_failed(world):
    """At a share of all, rounded up."""
    for address in THREE:
        world.answer(address, error=lost())
    with pytest.raises(Unavailable):
        await Broadcast(world.chooser(*THREE), fail_percent=40).invoke(call())
    assert [world.calls(a) for a in THREE] == [1, 1, 0]


@pytest.mark.behaviour("B10.14")
async def test_available_calls_the_first_that_is(world):
    """In the order of the registry; none is an error that names them."""
    cluster = Available(world.chooser(*THREE))
    assert [(await cluster.invoke(call())).value for _ in range(3)] == ["a:1"] * 3
    for address in THREE:
        world.ways[address].available = world.ways[address].reachable = False
    with pytest.raises(Unavailable, match=r"No provider available in \[a:1, b:1, c:1\]") as raised:
        await cluster.invoke(call())
    assert raised.value.code is Code.NO_INVOKER_AVAILABLE


@pytest.mark.parametrize(
    "make",
    [
        lambda chooser: Forking(chooser, forks=-1),
        lambda chooser: Broadcast(chooser, fail_percent=0),
        lambda chooser: Failback(chooser, retries=-1),
        lambda chooser: Failback(chooser, pause=-1.0),
        lambda chooser: Failback(chooser, tasks=-1),
    ],
)
def test_wrong_settings_are_refused(make, world):
    """When the client is made."""
    with pytest.raises(ValueError, match="="):
        make(world.chooser("a:1"))


@pytest.fixture(autouse=True)
def _log(caplog):
    caplog.set_level(logging.DEBUG)
