import asyncio

import pytest

from facade.cluster import Failfast, Failover
from facade.core import (
    Code,
    DeadlineExceeded,
    InvalidArgument,
    LimitExceeded,
    Method,
    RemoteError,
    RpcError,
    Sent,
    TimeoutCountDown,
    Unavailable,
)
from facade.core.attempt import Plan
from facade.core.repeat import RepeatBudget
from facade.testing import invocation

HARMFUL = Method("test.Service", "hello", (), str)
IDEMPOTENT = Method("test.Service", "hello", (), str, idempotent=True)
STREAMED = Method("test.Service", "hello", (), str, idempotent=True, streamed=("items",))

THREE = ("a:1", "b:1", "c:1")


def generous(clock=lambda: 0.0):
    budget = RepeatBudget(1.0, clock=clock)
    for _ in range(10):
        budget.answered()
    return budget


@pytest.fixture
def failover(world):
    def make(*addresses, budget=None, **plan):
        plan = Plan(**{"retries": 2, "retry_backoff": 0.0, **plan})
        return Failover(world.chooser(*(addresses or THREE)), plan, budget=budget or generous())

    return make


def call(method=HARMFUL, **facts):
    made = invocation(**facts)
    made.method = method
    return made


def not_sent():
    return Unavailable("no connection", sent=Sent.NOT_SENT)


def maybe():
    return Unavailable("lost", sent=Sent.MAYBE_EXECUTED)


def all_fail(world, error, addresses=THREE):
    for address in addresses:
        world.answer(address, error=error)


def tried(world, addresses=THREE):
    return sum(world.calls(address) for address in addresses)


@pytest.mark.behaviour("B10.7")
async def test_other_provider_answers_where_one_fails(world, failover):
    """Each attempt goes to one that was not tried."""
    world.answer("a:1", error=not_sent())
    world.answer("b:1", error=Unavailable("drains", sent=Sent.NOT_EXECUTED))
    cluster = failover()
    for _ in range(5):
        cluster.budget.answered()
        assert (await cluster.invoke(call())).value == "c:1"
    assert world.calls("a:1") <= 5
    assert world.calls("b:1") <= 5


@pytest.mark.behaviour("B10.7")
async def test_error_names_the_providers_tried(world, failover):
    """How often, which, how many there are, the registry; and it is the last error itself."""
    all_fail(world, not_sent())
    with pytest.raises(Unavailable) as raised:
        await failover().invoke(call())
    text = str(raised.value)
    assert text.startswith(
        "Failed to invoke the method hello in the service test.Service. Tried 3 times, of the "
        "providers ["
    )
    assert all(address in text for address in THREE)
    assert text.endswith("(3/3) from the registry static. Last error is: no connection")
    assert raised.value.sent is Sent.NOT_SENT
    assert raised.value.code is Code.NETWORK
    assert tried(world) == 3


@pytest.mark.parametrize(
    ("error", "method", "attempts"),
    [
        (not_sent(), HARMFUL, 3),
        (Unavailable("drains", sent=Sent.NOT_EXECUTED), HARMFUL, 3),
        (LimitExceeded("full", sent=Sent.NOT_EXECUTED), HARMFUL, 3),
        (maybe(), HARMFUL, 1),
        (maybe(), IDEMPOTENT, 3),
        (DeadlineExceeded("late"), IDEMPOTENT, 3),
        (DeadlineExceeded("late", code=Code.TIMEOUT_TERMINATE), IDEMPOTENT, 1),
        (InvalidArgument("wrong", sent=Sent.NOT_SENT), IDEMPOTENT, 1),
        (RpcError("what?"), IDEMPOTENT, 1),
        (RemoteError("x", type="demo.Error"), IDEMPOTENT, 1),
        (not_sent(), STREAMED, 3),
        (Unavailable("drains", sent=Sent.NOT_EXECUTED), STREAMED, 1),
        (maybe(), STREAMED, 1),
        (Unavailable("open", code=Code.NO_INVOKER_AVAILABLE, sent=Sent.NOT_SENT), HARMFUL, 3),
    ],
)
@pytest.mark.behaviour("B10.7", "B10.8")
async def test_only_what_is_safe_is_sent_again(error, method, attempts, world, failover):
    """Dubbo repeats all but business exceptions. A breaker of one provider is not that of the
    others; a streamed argument is gone once it was sent."""
    all_fail(world, error)
    with pytest.raises(type(error)):
        await failover().invoke(call(method))
    assert tried(world) == attempts


@pytest.mark.behaviour("B10.8")
async def test_exception_of_the_method_is_an_answer(world, failover):
    """It is not repeated, whatever it is."""
    for address in THREE:
        world.answer(address, exception=KeyError("x"))
    result = await failover().invoke(call(IDEMPOTENT))
    assert isinstance(result.exception, KeyError)
    assert tried(world) == 1


@pytest.mark.behaviour("B10.7")
async def test_business_error_is_raised_as_it_is(world, failover):
    """Without a word of providers."""
    error = RpcError("no stock", code=Code.BIZ, sent=Sent.NOT_SENT)
    all_fail(world, error)
    with pytest.raises(RpcError) as raised:
        await failover().invoke(call())
    assert raised.value is error


async def test_sent_tells_of_all_attempts(world, failover):
    """When the first may have run, the call may have, though the last was not sent."""
    errors = [not_sent(), not_sent(), maybe()]

    def fail(call):
        raise errors.pop()

    for address in THREE:
        world.answer(address, function=fail)
    with pytest.raises(Unavailable) as raised:
        await failover().invoke(call(IDEMPOTENT))
    assert raised.value.sent is Sent.MAYBE_EXECUTED


@pytest.mark.parametrize("method", [HARMFUL, IDEMPOTENT])
async def test_closed_meanwhile_is_not_what_the_call_ended_in(method, world, failover):
    """It may have run: that nothing more can be called says nothing about it."""
    failover, error = failover(), maybe()

    async def close_and_fail(call):
        await failover.close()
        raise error

    for address in THREE:
        world.answer(address, function=close_and_fail)
    with pytest.raises(Unavailable, match="Last error is: lost") as raised:
        await failover.invoke(call(method))
    assert raised.value.sent is Sent.MAYBE_EXECUTED


async def test_nobody_left_after_a_pause_is_not_what_the_call_ended_in(
    world, failover, monkeypatch
):
    """The error is that of the attempt that was made."""
    failover = failover("a:1")
    world.answer("a:1", error=maybe())

    async def close(pause):
        await failover.close()

    monkeypatch.setattr(asyncio, "sleep", close)
    monkeypatch.setattr(Plan, "pause", lambda self, attempt: 1.0)
    with pytest.raises(Unavailable, match="Last error is: lost") as raised:
        await failover.invoke(call(IDEMPOTENT))
    assert raised.value.sent is Sent.MAYBE_EXECUTED


@pytest.mark.behaviour("B10.7")
@pytest.mark.parametrize(("said", "attempts"), [("0", 1), ("1", 2), ("-3", 1), (b"1", 2)])
async def test_call_may_say_its_own_retries(said, attempts, world, failover):
    """In the attachment ``retries``, which does not travel."""
    all_fail(world, not_sent())
    own = call(attachments={"retries": said})
    with pytest.raises(Unavailable):
        await failover().invoke(own)
    assert tried(world) == attempts
    assert "retries" not in own.attachments


async def test_attachment_that_is_no_number_travels_on(world, failover):
    """It may mean something to the method."""
    own = call(attachments={"retries": "many"})
    await failover().invoke(own)
    assert own.attachments == {"retries": "many"}


async def test_no_attempt_begins_without_time(world, failover):
    """All attempts share the time of the call."""
    all_fail(world, not_sent())
    late = call(timeout=1.0)
    late.countdown = TimeoutCountDown(0.0)
    with pytest.raises(Unavailable):
        await failover().invoke(late)
    assert tried(world) == 1


async def test_budget_bounds_what_all_calls_add_up_to(world, failover):
    """While nobody answers, a hundred calls are little more than a hundred attempts."""
    all_fail(world, not_sent())
    cluster = failover(budget=RepeatBudget(0.1, clock=lambda: 0.0))
    for _ in range(100):
        with pytest.raises(Unavailable):
            await cluster.invoke(call())
    assert tried(world) <= 102


async def test_provider_that_goes_costs_no_call_and_no_budget(world, failover):
    """However many calls it had: they were not started there, and others are well."""
    cluster = failover(budget=RepeatBudget(0.0, minimum=0.0))
    await cluster.invoke(call())
    world.pass_time(1)
    draining = asyncio.Event()

    async def refuse(call):
        await draining.wait()
        world.ways["a:1"].available = world.ways["a:1"].reachable = False
        raise Unavailable("drains", sent=Sent.NOT_EXECUTED)

    world.answer("a:1", function=refuse)
    calls = [asyncio.create_task(cluster.invoke(call())) for _ in range(60)]
    await asyncio.sleep(0)
    assert world.calls("a:1") > 10
    draining.set()
    assert {(await each).value for each in calls} == {"b:1", "c:1"}


async def test_attempt_timeout_leaves_time_for_another(world, failover):
    """An idempotent call does not spend all its time on a provider that hangs."""
    left = []

    def answer(call):
        left.append(call.countdown.remaining)
        if len(left) == 1:
            raise DeadlineExceeded("late")

    for address in THREE:
        world.answer(address, function=answer)
    own = call(IDEMPOTENT, timeout=30.0)
    await failover(retries=1, attempt_timeout=1.0).invoke(own)
    assert left[0] <= 1.0
    assert left[1] > 20.0
    assert own.timeout == 30.0


async def test_attempts_have_numbers(world, failover):
    """From the second on, for filters and providers."""
    all_fail(world, not_sent())
    seen = []

    def note(call):
        seen.append(call.attachments.get("call.attempt"))
        raise not_sent()

    for address in THREE:
        world.answer(address, function=note)
    with pytest.raises(Unavailable):
        await failover().invoke(call())
    assert seen == [None, "2", "3"]


async def test_one_provider_is_tried_again_after_a_pause(world, failover, monkeypatch):
    """With others there is none: they have done nothing."""
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(Plan, "pause", lambda plan, attempt: attempt / 10)
    all_fail(world, not_sent())
    with pytest.raises(Unavailable):
        await failover("a:1", "b:1", retries=3).invoke(call())
    assert pauses == [0.2, 0.3]
    assert tried(world, ["a:1", "b:1"]) == 4


@pytest.mark.behaviour("B10.9")
async def test_failfast_tries_once(world):
    """Its error says so, and names the provider."""
    world.answer("a:1", error=not_sent())
    with pytest.raises(
        Unavailable, match=r"Failfast: failed .* Tried once, of the providers \[a:1"
    ):
        await Failfast(world.chooser("a:1")).invoke(call(IDEMPOTENT))
    assert world.calls("a:1") == 1
