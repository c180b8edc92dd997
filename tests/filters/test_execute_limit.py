import asyncio
import itertools

import pytest

import facade
from facade.core import Code, LimitExceeded, RpcError, Sent, Status
from facade.core.chain import chain
from facade.core.settings import FilterSettings
from facade.filters.execute_limit import ExecuteLimit
from facade.testing import FakeInvoker, connected, invocation


@pytest.fixture
def gate():
    return asyncio.Event()


@pytest.fixture
def held(gate):
    """Calls stay in it until the gate is opened."""
    return FakeInvoker(function=lambda _: gate.wait())


def places(limit, name="hello"):
    return limit.places.of(invocation(name))


@pytest.mark.behaviour("B3.29")
@pytest.mark.parametrize("executes", [0, 1])
async def test_calls_below_the_limit_pass(executes):
    """One after the other they all do; 0 is no limit."""
    limit = ExecuteLimit(executes=executes)
    for _ in range(3):
        assert (await limit.invoke(FakeInvoker("answer"), invocation())).value == "answer"
    assert (places(limit).total, places(limit).failed, places(limit).active) == (3, 0, 0)


@pytest.mark.behaviour("B3.29")
async def test_calls_beyond_the_limit_are_refused_at_once(held, gate):
    """Of 20 at once exactly 10 are refused, before any of the others has ended."""
    limit = ExecuteLimit(executes=10)
    calls = [asyncio.create_task(limit.invoke(held, invocation())) for _ in range(20)]
    done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_EXCEPTION)
    assert (len(done), len(waiting)) == (10, 10)
    assert all(isinstance(call.exception(), LimitExceeded) for call in done)
    gate.set()
    await asyncio.gather(*waiting)
    assert (places(limit).active, places(limit).total) == (0, 10)


async def test_refusal_says_what_and_why(held, gate):
    """It has the method, the limit and the setting, and says that the method did not run."""
    limit = ExecuteLimit(executes=1)
    first = asyncio.create_task(limit.invoke(held, invocation("hello", "secret")))
    await asyncio.sleep(0)
    with pytest.raises(LimitExceeded, match=r"hello was refused: 1 calls .*`executes`") as caught:
        await limit.invoke(held, invocation("hello", "secret"))
    assert (caught.value.code, caught.value.status) == (
        Code.LIMIT_EXCEEDED,
        Status.RESOURCE_EXHAUSTED,
    )
    assert caught.value.sent is Sent.NOT_EXECUTED
    assert "secret" not in str(caught.value)
    gate.set()
    await first


@pytest.mark.behaviour("B3.29")
async def test_error_passes_and_is_counted():
    """What is raised further in goes on as it is, and counts as failed."""
    limit = ExecuteLimit(executes=10)
    error = RpcError("broken")
    with pytest.raises(RpcError) as caught:
        await limit.invoke(FakeInvoker(error=error), invocation())
    assert caught.value is error
    assert (places(limit).failed, places(limit).active) == (1, 0)
    await limit.invoke(FakeInvoker(exception=KeyError()), invocation())  # an answer
    assert (places(limit).failed, places(limit).total) == (1, 2)


@pytest.mark.behaviour("B3.28")
@pytest.mark.parametrize("error", [LimitExceeded("of another"), asyncio.CancelledError()])
async def test_place_comes_back_however_a_call_ends(error):
    """Not even another limit further in makes it leak, which it does in Dubbo."""
    limit = ExecuteLimit(executes=1)
    for _ in range(3):
        with pytest.raises(type(error)) as caught:
            await chain([limit], FakeInvoker(error=error)).invoke(invocation())
        assert caught.value is error
    assert places(limit).active == 0


async def test_methods_have_limits_of_their_own(held, gate):
    """What a method says goes before what holds for all; 0 sets it free."""
    limit = ExecuteLimit.configure(
        FilterSettings({"executes": 2}, {"one": {"executes": 1}, "free": {"executes": 0}})
    )
    calls = {
        name: [asyncio.create_task(limit.invoke(held, invocation(name))) for _ in range(5)]
        for name in ("one", "free", "other")
    }
    await asyncio.sleep(0)
    assert [places(limit, name).active for name in calls] == [1, 5, 2]
    gate.set()
    ended = await asyncio.gather(*itertools.chain(*calls.values()), return_exceptions=True)
    assert sum(isinstance(outcome, LimitExceeded) for outcome in ended) == 7


def test_bad_configuration_is_told():
    """A number that is none is refused when the filter is made, a wrong type at the export."""
    with pytest.raises(ValueError, match="executes=-1: give a number of calls"):
        ExecuteLimit(executes=-1)
    with pytest.raises(TypeError, match="executes is int, not str"):
        facade.Server().export(Shop, ShopImpl(None), executes="5")
    with pytest.raises(ValueError, match="did you mean 'executes'"):
        facade.Server().export(Shop, ShopImpl(None), execute=5)


@facade.service("demo.Shop", executes=1)
class Shop:
    async def find(self) -> str: ...


class ShopImpl(Shop):
    def __init__(self, gate):
        self.started, self.gate = asyncio.Event(), gate

    async def find(self) -> str:
        self.started.set()
        await self.gate.wait()
        return "found"


async def test_consumer_learns_that_it_did_not_run(gate):
    """Over the wire it is the same error, and safe to send again."""
    shop = ShopImpl(gate)
    async with connected((Shop, shop), timeout=20.0) as client:
        remote = client.refer(Shop)
        first = asyncio.create_task(remote.find())
        await shop.started.wait()
        with pytest.raises(LimitExceeded, match="`executes`") as caught:
            await remote.find()
        assert (caught.value.sent, caught.value.remote) == (Sent.NOT_EXECUTED, True)
        gate.set()
        assert await first == "found"
