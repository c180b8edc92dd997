import asyncio

import pytest

from facade.cluster import BALANCERS, Chooser, Endpoint, State
from facade.cluster.balance import P2C, ShortestResponse
from facade.core import Code, DeadlineExceeded, LimitExceeded, Method, Result, RpcError, Unavailable
from facade.core.load import LOAD
from facade.registry import Provider
from facade.testing import invocation


@pytest.fixture
def endpoint(world):
    return Endpoint(Provider("a:1"), world.open, clock=world.clock)


async def test_latency_is_a_moving_average(world, endpoint):
    """The first answer counts whole, each further one a tenth."""
    times = iter([1.0, 2.0])
    world.answer("a:1", function=lambda call: world.pass_time(next(times)))
    await endpoint.invoke(invocation())
    assert endpoint.latency == pytest.approx(1.0)
    await endpoint.invoke(invocation())
    assert endpoint.latency == pytest.approx(1.1)


@pytest.mark.parametrize("balancer", BALANCERS.values())
async def test_calls_are_timed_for_who_goes_by_it(balancer, world):
    """Whether the provider was known before or comes later; others are spared the clock."""
    directory = world.directory("a:1")
    Chooser(directory, balancer())
    directory.update([Provider("a:1"), Provider("b:1")])
    directory.begin()
    assert [e.timed for e in directory.endpoints] == [balancer in (P2C, ShortestResponse)] * 2
    await directory.close()


async def test_call_that_is_not_timed(world):
    """Nor is its latency known then, however it ends."""
    endpoint = Endpoint(Provider("a:1"), world.open, clock=world.clock, timed=False)
    error = DeadlineExceeded("its time was up")
    await endpoint.invoke(invocation())
    world.answer("a:1", error=error)
    with pytest.raises(DeadlineExceeded):
        await endpoint.invoke(invocation())
    assert endpoint.latency == 0.0


async def test_a_call_that_timed_out_counts_as_slow(world, endpoint):
    """Or a provider that answers nothing would look like the fastest. A short timeout says
    nothing of one that is slower anyway."""
    times = iter([1.0, 2.0, 0.5])

    def hang(call):
        world.pass_time(next(times))
        raise DeadlineExceeded("its time was up")

    world.answer("a:1", function=hang)
    for latency in (1.0, 1.1, 1.1):
        with pytest.raises(DeadlineExceeded):
            await endpoint.invoke(invocation())
        assert endpoint.latency == pytest.approx(latency)


async def test_oneway_call_says_nothing_of_latency(world, endpoint):
    """It ends when it is sent."""
    await endpoint.invoke(invocation(oneway=True))
    assert endpoint.latency == 0.0
    assert endpoint.active == 0


@pytest.mark.parametrize("how", ["value", "error", "cancelled"])
async def test_active_calls_are_counted_however_they_end(how, world, endpoint):
    """Or an endpoint would seem busy for ever."""
    release = asyncio.Event()

    async def work(call):
        await release.wait()
        if how == "error":
            raise ValueError("a filter")

    world.answer("a:1", function=work)
    task = asyncio.create_task(endpoint.invoke(invocation()))
    await asyncio.sleep(0)
    assert endpoint.active == 1
    task.cancel() if how == "cancelled" else release.set()
    await asyncio.wait([task])
    assert task.cancelled() or how == "value" or task.exception()
    assert endpoint.active == 0


async def test_stream_is_active_until_its_end(world, endpoint):
    """A call that yields is not over when its stream has begun."""

    async def items():
        yield 1

    world.answer("a:1", function=lambda call: Result(items()))
    call = invocation()
    call.method = Method("s", "hello", (), int, yields=True)
    result = await endpoint.invoke(call)
    assert endpoint.active == 1
    assert [item async for item in result.value] == [1]
    assert endpoint.active == 0


async def test_load_that_the_provider_tells_is_taken_out(world, endpoint):
    """It is for the balancer, and not for the caller."""
    world.answer("a:1", value=1, attachments={LOAD: "0.5", "other": "x"})
    result = await endpoint.invoke(invocation())
    assert result.attachments == {"other": "x"}
    assert endpoint.load == pytest.approx(0.05)


@pytest.mark.parametrize("said", ["", "much", "-1", "nan"])
async def test_load_that_makes_no_sense_is_none(said, world, endpoint):
    """A peer can't confuse the balancer."""
    world.answer("a:1", value=1, attachments={LOAD: said})
    await endpoint.invoke(invocation())
    assert endpoint.load == 0.0


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (Unavailable("no"), True),
        (DeadlineExceeded("late"), True),
        (DeadlineExceeded("late before", code=Code.TIMEOUT_TERMINATE), False),
        (LimitExceeded("full"), False),
        (RpcError("what?"), False),
    ],
)
async def test_what_counts_as_a_failure(error, counts, world, endpoint):
    """What the way or the time did; not what the provider refused."""
    world.answer("a:1", error=error)
    with pytest.raises(RpcError):
        await endpoint.invoke(invocation())
    assert (endpoint.failing > 0) is counts


async def test_exception_of_the_method_is_an_answer(world, endpoint):
    """An expired one is none."""
    world.answer("a:1", exception=KeyError("x"))
    await endpoint.invoke(invocation())
    assert endpoint.failing == 0
    expired = Result()
    expired.expired = True
    world.answer("a:1", function=lambda call: expired)
    await endpoint.invoke(invocation())
    assert endpoint.failing > 0


async def test_failure_of_a_lost_connection_takes_it_out_at_once(world):
    """Not after seven of them."""
    changes = []
    endpoint = Endpoint(
        Provider("a:1"), world.open, clock=world.clock, changed=lambda: changes.append(1)
    )
    endpoint.open()
    endpoint.check(world.now)
    assert endpoint.state is State.UP

    def drop(call):
        world.ways["a:1"].available = False
        raise Unavailable("lost")

    world.answer("a:1", function=drop)
    changes.clear()
    with pytest.raises(Unavailable):
        await endpoint.invoke(invocation())
    assert endpoint.state is State.DOWN
    assert changes


def test_averages_sink_while_no_calls_come(endpoint):
    """Half of it in 5 s; where calls come they say themselves."""
    endpoint.latency = endpoint.load = endpoint.failing = 0.4
    endpoint.forget(5.0)
    assert (endpoint.latency, endpoint.load, endpoint.failing) == pytest.approx((0.2,) * 3)
    endpoint.calls += 1
    endpoint.forget(5.0)
    assert endpoint.latency == pytest.approx(0.2)


def test_repr_tells_how_it_stands(endpoint):
    """For logs."""
    assert repr(endpoint) == "<Endpoint a:1 new, 0 active>"
