import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import facade
from facade.core import Code, FilterSettings, RpcError, Sent, Status
from facade.filters import fault as module
from facade.filters.fault import Fault
from facade.testing import FakeInvoker, connected, connected_blocking, invocation


@facade.service("fault.Greeter")
class Greeter:
    async def hello(self, name: str) -> str: ...

    async def ping(self) -> None: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        return f"Hello {name}"

    async def ping(self) -> None: ...


@pytest.fixture
def waits(monkeypatch):
    """For how long calls were told to wait; nobody does."""
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    return waited


async def failed(filter, name="hello"):
    """Whether a call fails."""
    try:
        await filter.invoke(FakeInvoker(), invocation(name))
    except RpcError:
        return True
    return False


async def test_delay_comes_before_the_call(waits):
    """The call waits, and then runs as it would."""
    invoker = FakeInvoker("answer", function=None)
    assert (await Fault(delay=0.3).invoke(invoker, invocation())).value == "answer"
    assert waits == [0.3]


@pytest.mark.parametrize(
    ("abort", "error", "code", "status"),
    [
        ("UNAVAILABLE", facade.Unavailable, Code.NETWORK, Status.UNAVAILABLE),
        ("NETWORK", facade.Unavailable, Code.NETWORK, Status.UNAVAILABLE),
        (Code.TIMEOUT, facade.DeadlineExceeded, Code.TIMEOUT, Status.DEADLINE_EXCEEDED),
        ("LIMIT_EXCEEDED", facade.LimitExceeded, Code.LIMIT_EXCEEDED, Status.RESOURCE_EXHAUSTED),
        (Status.UNIMPLEMENTED, facade.Unimplemented, Code.METHOD_NOT_FOUND, Status.UNIMPLEMENTED),
        ("FORBIDDEN", RpcError, Code.FORBIDDEN, Status.PERMISSION_DENIED),
        ("ABORTED", RpcError, Code.UNKNOWN, Status.ABORTED),
        (Code.UNKNOWN, RpcError, Code.UNKNOWN, Status.UNKNOWN),
        (Code.REGISTRY, RpcError, Code.REGISTRY, Status.UNKNOWN),
    ],
)
async def test_abort_raises_what_a_caller_would_catch(waits, abort, error, code, status):
    """A status or a code, by name or as itself, becomes the error that is caught for it."""
    invoker = FakeInvoker()
    with pytest.raises(error, match=r"test\.Service\.hello was failed on purpose") as caught:
        await Fault(delay=1, abort=abort).invoke(invoker, invocation())
    assert (caught.value.code, caught.value.status) == (code, status)
    assert type(caught.value) is error
    assert invoker.invocations == []
    assert waits == [1]


async def test_error_says_that_nothing_ran():
    """At a consumer nothing was sent; at a provider nothing was executed."""
    fault = Fault(abort="UNAVAILABLE")
    for ends, sent in (
        ({"filters": [fault]}, Sent.NOT_SENT),
        ({"server_filters": [fault]}, Sent.NOT_EXECUTED),
    ):
        async with connected((Greeter, GreeterImpl()), timeout=10, **ends) as client:
            with pytest.raises(facade.Unavailable) as caught:
                await client.refer(Greeter).hello("Ann")
            assert caught.value.sent is sent


async def test_seed_hits_the_same_calls_again():
    """A share of the calls, the same for the same seed, each call on its own."""
    runs = [
        [await failed(Fault) for _ in range(200)]
        for Fault in (
            module.Fault(abort="ABORTED", share=0.3, seed=7),
            module.Fault(abort="ABORTED", share=0.3, random=Random(7)),
        )
    ]
    assert runs[0] == runs[1]
    assert 40 <= sum(runs[0]) <= 80


@given(share=st.floats(0, 1), seed=st.integers())
def test_share_is_kept(share, seed):
    """None at 0, all at 1, and about as many as were asked for in between."""

    async def count():
        fault = Fault(abort="ABORTED", share=share, seed=seed)
        return sum([await failed(fault) for _ in range(400)])

    hit = asyncio.run(count())
    if share in (0, 1):
        assert hit == 400 * share
    assert abs(hit - 400 * share) < 100


async def test_cancelled_call_does_not_go_on():
    """Who is cancelled while he waits calls nobody."""
    invoker = FakeInvoker()
    call = asyncio.create_task(Fault(delay=600).invoke(invoker, invocation()))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert invoker.invocations == []


async def test_methods_have_faults_of_their_own(waits):
    """What is said for a method is over what is said for all."""
    settings = FilterSettings(
        {"fault_abort": "ABORTED", "fault_seed": 1},
        {"ping": {"fault_share": 0.0}, "slow": {"fault_abort": "", "fault_delay": 2.0}},
    )
    fault = Fault.configure(settings)
    assert await failed(fault)
    assert not await failed(fault, "ping")
    assert not await failed(fault, "slow")
    assert waits == [2.0]


def test_blocking_client_needs_its_loop_only_to_wait():
    """Without a delay its chain may run on the thread that calls; either works."""
    assert not Fault(abort="ABORTED").needs_loop
    assert Fault(delay=0.001).needs_loop
    assert Fault.configure(FilterSettings({}, {"hello": {"fault_delay": 1.0}})).needs_loop
    for fault in (Fault(abort="ABORTED"), Fault(delay=0.001, abort="ABORTED")):
        with connected_blocking((Greeter, GreeterImpl()), filters=[fault], timeout=10) as client:
            greeter = client.refer(Greeter)
            with pytest.raises(RpcError) as caught:
                greeter.hello("Ann")
        assert caught.value.status is Status.ABORTED


def test_settings_switch_it_on_innermost():
    """All other filters see the fault."""
    invoker = facade.Server().export(Greeter, GreeterImpl(), fault_delay=0.1).invoker
    assert "timeout -> fault -> LocalInvoker" in repr(invoker)
    client = facade.AsyncClient("nowhere:1", filter_settings={"fault_abort": Code.NETWORK})
    assert "consumer_context -> fault -> RemoteInvoker" in repr(client.invoker)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"delay": -1}, "fault_delay=-1: seconds, 0 or more"),
        ({"delay": float("inf")}, "fault_delay=inf: seconds"),
        ({"share": 1.5}, "fault_share=1.5: from 0"),
        ({"abort": "UNAVAILABEL"}, "did you mean 'UNAVAILABLE'?"),
        ({"abort": "zzz"}, "is no Status and no Code: there are: ABORTED"),
        ({"abort": Status.OK}, "nothing fails with OK"),
        ({"abort": "OK"}, "is no Status and no Code"),
    ],
)
def test_wrong_values_are_errors_at_once(wrong, text):
    """With what to write instead; by keyword and by setting."""
    with pytest.raises(ValueError, match=text.replace("?", r"\?")):
        Fault(**wrong)
    settings = {f"fault_{name}": value for name, value in wrong.items()}
    with pytest.raises(ValueError, match=text.replace("?", r"\?")):
        Fault.configure(FilterSettings({"fault_abort": "ABORTED"}, {"hello": settings}))
