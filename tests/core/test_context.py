import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from facade.core import Invocation, RpcContext, TimeoutCountDown
from facade.core.context import (
    RESERVED,
    Request,
    current_caller,
    current_place,
    current_request,
    reset_request,
    set_request,
)


@contextmanager
def serving(attachments=None, **facts):
    """As if the code below served a call with these attachments."""
    invocation = Invocation("demo.Greeter", "hello", ("Ann",), attachments=attachments, **facts)
    token = set_request(request := Request(invocation))
    try:
        yield request
    finally:
        reset_request(token)


def next_call():
    """What a call that is made here would take along."""
    return dict(current_caller().take())


def in_thread(function):
    """What ``function`` gives in a thread of its own, which starts with an empty context."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


# Attachments to send


async def test_client_attachments_go_once():
    """What was set goes with the next call, and not with the one after it."""
    RpcContext.client_attachments()["trace"] = "1"
    assert next_call() == {"trace": "1"}
    assert next_call() == {}
    assert RpcContext.client_attachments() == {}


async def test_client_attachments_gather_until_the_call():
    """They may be set one by one, from different places of one task."""
    RpcContext.client_attachments()["trace"] = "1"
    RpcContext.client_attachments()["binary"] = b"\x00"
    assert next_call() == {"trace": "1", "binary": b"\x00"}


async def test_what_was_taken_is_not_touched_by_what_is_set_later():
    """A call that is under way keeps what it took."""
    RpcContext.client_attachments()["call"] = "first"
    taken = current_caller().take()
    RpcContext.client_attachments()["call"] = "second"
    assert taken == {"call": "first"}


async def test_child_task_does_not_send_its_parents_attachments():
    """A task has a next call of its own: it sees nothing of its parent's, nor the other way."""
    RpcContext.client_attachments()["who"] = "parent"

    async def child():
        seen = dict(RpcContext.client_attachments())
        RpcContext.client_attachments()["who"] = "child"
        return seen

    assert await asyncio.create_task(child()) == {}
    assert next_call() == {"who": "parent"}


async def test_tasks_at_once_send_each_its_own():
    """Tasks of one gather do not send each other's attachments."""

    async def call(number):
        RpcContext.client_attachments()["number"] = str(number)
        await asyncio.sleep(0)
        return next_call()

    sent = await asyncio.gather(*(call(number) for number in range(10)))
    assert sent == [{"number": str(number)} for number in range(10)]


def test_threads_send_each_its_own():
    """A thread without a loop is a caller of its own."""
    RpcContext.client_attachments()["who"] = "main"
    assert in_thread(next_call) == {}
    assert next_call() == {"who": "main"}


async def test_thread_with_a_copied_context_is_another_caller():
    """asyncio.to_thread copies the context, and still what the task set stays the task's."""
    RpcContext.client_attachments()["who"] = "task"
    assert await asyncio.to_thread(next_call) == {}
    assert next_call() == {"who": "task"}


# The call that is served


def test_server_attachments_are_what_came():
    """Text and bytes are found as they were sent; outside of a call there is nothing."""
    assert RpcContext.server_attachments() == {}
    with serving({"trace": "1", "binary": b"\x00"}):
        assert RpcContext.server_attachments() == {"trace": "1", "binary": b"\x00"}
    assert RpcContext.server_attachments() == {}


def test_server_attachments_are_read_only():
    """Nobody can change what the caller sent."""
    with serving({"trace": "1"}), pytest.raises(TypeError):
        RpcContext.server_attachments()["trace"] = "2"


def test_reserved_names_do_not_reach_the_method():
    """Names that steer a call stay with the filters, whatever a peer puts into them."""
    sent = dict.fromkeys(RESERVED, "forged") | {"trace": "1"}
    with serving(sent) as request:
        assert RpcContext.server_attachments() == {"trace": "1"}
        assert request.invocation.attachments == sent


@pytest.mark.parametrize(
    "name",
    ["path", "interface", "group", "version", "dubbo", "token", "timeout", "_TO", "async",
     "dubbo.tag", "dubbo.force.tag"],
)  # fmt: skip
def test_dubbos_reserved_names_are_reserved(name):
    """The keys that Dubbo unloads are unloaded here. (Dubbo: ContextFilter)"""
    with serving({name: "x"}):
        assert RpcContext.server_attachments() == {}


async def test_tasks_of_the_method_serve_the_same_call():
    """Whatever the method starts, tasks and threads with its context, is in the same call."""

    async def child():
        return dict(RpcContext.server_attachments())

    with serving({"trace": "1"}):
        assert await asyncio.create_task(child()) == {"trace": "1"}
        assert await asyncio.to_thread(RpcContext.server_attachments) == {"trace": "1"}


def test_bare_thread_serves_no_call():
    """A thread that was given no context is outside of the call."""
    with serving({"trace": "1"}):
        assert in_thread(current_request) is None


async def test_calls_at_once_see_each_its_own():
    """Requests that are served at the same time do not mix."""

    async def method(number):
        with serving({"number": str(number)}):
            await asyncio.sleep(0)
            return RpcContext.server_attachments()["number"]

    assert await asyncio.gather(*map(method, range(10))) == [str(n) for n in range(10)]


# Attachments that come back


async def test_response_attachments_outside_are_the_last_calls():
    """A consumer finds what came back; before any call there is nothing."""
    assert RpcContext.response_attachments() == {}
    current_caller().response_attachments = {"cost": "5"}
    assert RpcContext.response_attachments() == {"cost": "5"}


def test_response_attachments_inside_are_to_send():
    """A method writes what goes back with its answer."""
    with serving() as request:
        RpcContext.response_attachments()["cost"] = "5"
        assert request.response_attachments == {"cost": "5"}
        assert RpcContext.response_attachments() == {"cost": "5"}


def test_response_attachments_of_a_method_that_calls_others():
    """It reads both, its own first; what it writes is its own."""
    with serving() as request:
        request.downstream.update({"cost": "5", "region": "eu"})
        RpcContext.response_attachments()["cost"] = "7"
        assert dict(RpcContext.response_attachments()) == {"cost": "7", "region": "eu"}
        assert request.downstream == {"cost": "5", "region": "eu"}


# Values


async def test_values_are_of_the_call_or_of_the_caller():
    """Notes belong to the call that is served, and outside of one to the caller."""
    RpcContext.values()["user"] = "caller"
    with serving():
        assert RpcContext.values() == {}
        RpcContext.values()["user"] = "call"
        assert RpcContext.values() == {"user": "call"}
    assert RpcContext.values()["user"] == "caller"
    assert in_thread(RpcContext.values) == {}


# Facts


def test_service_inside_a_call():
    """The provider's side: who calls, what, and with what."""
    with serving(group="blue", version="1.0") as request:
        request.invocation.remote_address = "ipv4:10.0.0.1:4000"
        request.invocation.local_address = "ipv4:10.0.0.2:50051"
        request.invocation.remote_application = "shop"
        facts = RpcContext.service()
    assert facts.side == "provider"
    assert (facts.service, facts.method, facts.arguments) == ("demo.Greeter", "hello", ("Ann",))
    assert (facts.group, facts.version) == ("blue", "1.0")
    assert facts.remote_address == "ipv4:10.0.0.1:4000"
    assert facts.local_address == "ipv4:10.0.0.2:50051"
    assert facts.remote_application == "shop"


async def test_service_after_a_call():
    """The consumer's side: the last call that was made here."""
    current_place().invocation = Invocation("demo.Greeter", "hello")
    facts = RpcContext.service()
    assert (facts.side, facts.method) == ("consumer", "hello")
    assert repr(facts) == "<ServiceContext consumer of demo.Greeter.hello>"


async def test_service_without_any_call():
    """There is nothing to tell, and that is said."""
    with pytest.raises(RuntimeError) as caught:
        RpcContext.service()
    assert str(caught.value) == "no call is served here, and none was made here yet"


async def test_service_prefers_the_call_that_is_served():
    """A method that has called others still asks about its own call."""
    with serving():
        current_place().invocation = Invocation("demo.Other", "downstream")
        assert RpcContext.service().service == "demo.Greeter"


def test_countdown_is_that_of_the_call():
    """The time left for the call that is served; None without a limit, and outside."""
    assert RpcContext.countdown() is None
    with serving() as request:
        assert RpcContext.countdown() is None
        request.invocation.countdown = TimeoutCountDown(5)
        assert RpcContext.countdown() is request.invocation.countdown
    assert RpcContext.countdown() is None


async def test_future_is_that_of_the_last_call():
    """None before any call; each task has its own."""
    assert RpcContext.future() is None
    current_place().invocation = Invocation("demo.Echo", "echo")
    future = RpcContext.future()
    assert isinstance(future, asyncio.Future)

    async def child():
        return RpcContext.future()

    assert RpcContext.future() is future
    assert await asyncio.create_task(child()) is None


# Capture


def test_captured_context_is_in_the_call_elsewhere():
    """A thread that gets a captured context is inside the call, even after it ended."""
    with serving({"trace": "1"}):
        captured = RpcContext.capture()
    assert in_thread(lambda: captured.run(RpcContext.server_attachments)) == {"trace": "1"}
    assert captured.run(lambda: RpcContext.service().side) == "provider"


def test_captured_context_runs_in_many_threads_at_once():
    """One snapshot serves several threads at the same moment."""
    together = threading.Barrier(3, timeout=30)

    def work():
        together.wait()
        return RpcContext.server_attachments()["trace"]

    with serving({"trace": "1"}):
        captured = RpcContext.capture()
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(captured.run, work) for _ in range(3)]
        assert [future.result() for future in futures] == ["1", "1", "1"]


def test_captured_context_passes_arguments_values_and_errors():
    """run is a call like any other."""
    captured = RpcContext.capture()
    assert captured.run(divmod, 7, 2) == (3, 1)
    assert captured.run(int, "ff", base=16) == 255
    with pytest.raises(ZeroDivisionError):
        captured.run(divmod, 1, 0)


async def test_captured_context_brings_no_attachments_to_send():
    """What the capturing task meant for its next call is not sent by another thread."""
    RpcContext.client_attachments()["who"] = "task"
    captured = RpcContext.capture()
    assert await asyncio.to_thread(captured.run, next_call) == {}
    assert next_call() == {"who": "task"}


def test_what_runs_in_a_captured_context_leaves_no_trace():
    """A request that is set inside does not stay, neither here nor in the snapshot."""
    captured = RpcContext.capture()
    captured.run(set_request, Request(Invocation("s", "m")))
    assert current_request() is None
    assert captured.run(current_request) is None
