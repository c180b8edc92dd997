import pytest

from facade.core import (
    Code,
    DeadlineExceeded,
    Invocation,
    Result,
    RpcContext,
    Sent,
    TimeoutCountDown,
    Unavailable,
)
from facade.core.context import Caller, Request, reset_request, set_request
from facade.filters.consumer_context import ConsumerContext


@pytest.fixture
def served():
    """The call that is served while another is made: with two attachments and no limit."""
    invocation = Invocation("demo.Shop", "buy", attachments={"trace": "1", "tenant": "blue"})
    token = set_request(request := Request(invocation))
    yield request
    reset_request(token)


class Frozen(TimeoutCountDown):
    """A countdown with a given time left."""

    def __init__(self, timeout, remaining):
        super().__init__(timeout)
        self.left = remaining

    @property
    def remaining(self):
        return self.left

    @property
    def expired(self):
        return self.left <= 0


# Attachments


async def test_call_takes_what_was_set_for_it(invoker, invocation):
    """What ``client_attachments()`` had when the call was made goes with it."""
    invocation.taken = {"trace": "1"}
    await ConsumerContext().invoke(invoker, invocation)
    assert invocation.attachments == {"trace": "1"}


async def test_attachments_of_the_call_itself_override(invoker, invocation):
    """What is given to one call wins over what was set for the next one."""
    invocation.taken = {"trace": "context", "user": "ann"}
    invocation.attachments = {"trace": "call"}
    await ConsumerContext().invoke(invoker, invocation)
    assert invocation.attachments == {"trace": "call", "user": "ann"}


@pytest.mark.usefixtures("served")
async def test_received_attachments_are_forwarded(invoker, invocation):
    """What came with the call that is served goes along with the calls it makes."""
    await ConsumerContext().invoke(invoker, invocation)
    assert invocation.attachments == {"trace": "1", "tenant": "blue"}


@pytest.mark.usefixtures("served")
async def test_nearer_attachments_override_farther_ones(invoker, invocation):
    """The call's own win over the context's, and those over what is forwarded."""
    invocation.taken = {"tenant": "context", "user": "context"}
    invocation.attachments = {"user": "call"}
    await ConsumerContext().invoke(invoker, invocation)
    assert invocation.attachments == {"trace": "1", "tenant": "context", "user": "call"}


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("propagate", "forwarded"),
    [
        (["trace"], {"trace": "1"}),
        (["unknown"], {}),
        ([], {}),
        (None, {}),
        (["*"], {"trace": "1", "tenant": "blue"}),
    ],
)
async def test_propagate_limits_what_is_forwarded(invoker, invocation, propagate, forwarded):
    """Only what is named goes on; None means nothing; what is set here always goes."""
    invocation.taken = {"user": "ann"}
    await ConsumerContext(propagate=propagate).invoke(invoker, invocation)
    assert invocation.attachments == {**forwarded, "user": "ann"}


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("settings", "forwarded"),
    [
        ({}, {"trace": "1", "tenant": "blue"}),
        ({"propagate": ["trace"]}, {"trace": "1"}),
        ({"propagate": None}, {}),
    ],
)
async def test_propagate_is_a_setting_of_the_client(invoker, invocation, settings, forwarded):
    """Made by name it takes the client's ``propagate``, and forwards all without one."""
    await ConsumerContext.configure(settings).invoke(invoker, invocation)
    assert invocation.attachments == forwarded


async def test_reserved_names_are_not_forwarded(invoker, invocation):
    """What steered the call that is served does not steer the next one."""
    outer = Invocation("s", "m", attachments={"token": "x", "timeout": "1", "trace": "1"})
    token = set_request(Request(outer))
    await ConsumerContext().invoke(invoker, invocation)
    reset_request(token)
    assert invocation.attachments == {"trace": "1"}


async def test_forwarding_leaves_the_served_call_as_it_is(invoker, invocation, served):
    """Attachments of the outgoing call are a dictionary of their own."""
    await ConsumerContext().invoke(invoker, invocation)
    invocation.attachments["hop"] = "2"
    assert served.attachments == {"trace": "1", "tenant": "blue"}


# Time


async def test_timeout_starts_a_countdown(invoker, invocation):
    """The call's own timeout counts down from when it is made."""
    invocation.timeout = 60
    await ConsumerContext().invoke(invoker, invocation)
    assert invocation.countdown.timeout == 60
    assert not invocation.countdown.expired


async def test_call_without_a_limit_has_no_countdown(invoker, invocation):
    """Where nobody set a time, none is made up."""
    await ConsumerContext().invoke(invoker, invocation)
    assert (invocation.timeout, invocation.countdown) == (None, None)


@pytest.mark.parametrize(("own", "used"), [(60, 5), (2, 2), (None, 5)])
async def test_running_countdown_caps_the_timeout(invoker, invocation, served, own, used):
    """A call gets no more than is left of the one that is served, and no more than its own."""
    served.invocation.countdown = Frozen(30, remaining=5)
    invocation.timeout = own
    await ConsumerContext().invoke(invoker, invocation)
    assert invocation.timeout == used
    assert invocation.countdown.timeout == used


@pytest.mark.parametrize("left", [0, -3])
async def test_nothing_left_sends_nothing(invoker, invocation, served, left):
    """A call that is made too late fails at once, and is told apart from one that was late."""
    served.invocation.countdown = Frozen(30, remaining=left)
    with pytest.raises(DeadlineExceeded, match="terminate directly") as caught:
        (await ConsumerContext().invoke(invoker, invocation)).recreate()
    assert invoker.invocations == []
    assert caught.value.code is Code.TIMEOUT_TERMINATE
    assert caught.value.sent is Sent.NOT_SENT


# What is left behind


async def test_what_came_back_is_found_by_the_caller(invoker, invocation):
    """``response_attachments()`` and ``service()`` tell of the last call."""
    invoker.result = Result("answer", None, {"cost": "5"})
    assert await ConsumerContext().invoke(invoker, invocation) is invoker.result
    assert RpcContext.response_attachments() == {"cost": "5"}
    assert (RpcContext.service().side, RpcContext.service().method) == ("consumer", "hello")


async def test_what_came_back_goes_to_who_called(invoker, invocation):
    """A call that was prepared elsewhere tells its own caller, not the task that sends it."""
    other = Caller()
    invocation.caller = other
    invoker.result = Result("answer", None, {"cost": "5"})
    await ConsumerContext().invoke(invoker, invocation)
    assert other.response_attachments == {"cost": "5"}
    assert RpcContext.response_attachments() == {}


async def test_what_came_back_gathers_in_the_served_call(invoker, invocation, served):
    """A method that calls several finds what all of them sent back."""
    filter = ConsumerContext()
    invoker.result = Result("answer", None, {"cost": "5", "stock": "1"})
    await filter.invoke(invoker, invocation)
    invoker.result = Result("answer", None, {"cost": "7"})
    await filter.invoke(invoker, Invocation("demo.Greeter", "hello"))
    assert served.downstream == {"cost": "7", "stock": "1"}
    assert RpcContext.response_attachments()["cost"] == "7"


async def test_failed_call_leaves_nothing_of_the_one_before(invoker, invocation):
    """After a call that failed, what an earlier one brought back is not taken for its."""
    filter = ConsumerContext()
    invoker.result = Result("answer", None, {"cost": "5"})
    await filter.invoke(invoker, invocation)
    invoker.error = Unavailable("connection lost")
    with pytest.raises(Unavailable):
        await filter.invoke(invoker, Invocation("demo.Greeter", "hello"))
    assert RpcContext.response_attachments() == {}


async def test_failed_call_is_the_last_one_made(invoker, invocation):
    """``service()`` tells of a call that failed too."""
    invoker.error = Unavailable("connection lost")
    with pytest.raises(Unavailable):
        await ConsumerContext().invoke(invoker, invocation)
    assert RpcContext.service().method == "hello"


async def test_ended_request_limits_nothing(invoker, invocation):
    """What a method left running goes on after it, and has the time that it asks for itself."""
    outer = Invocation("s", "m")
    outer.countdown = TimeoutCountDown(0.0)
    request = Request(outer)
    request.ended = True
    token = set_request(request)
    invocation.timeout = 60
    result = await ConsumerContext().invoke(invoker, invocation)
    reset_request(token)
    assert result.exception is None
    assert invocation.timeout == 60
