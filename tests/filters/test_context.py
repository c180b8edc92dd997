import asyncio

import pytest

from facade.core import Result, RpcContext, Unavailable
from facade.core.context import current_request
from facade.filters.context import Context


async def test_method_is_surrounded_by_its_call(invoker, invocation):
    """Inside the method the context tells of the call; after it, of nothing."""
    invocation.attachments = {"trace": "1", "token": "secret"}
    seen = []
    invoker.before = lambda _: seen.append((
        dict(RpcContext.server_attachments()), RpcContext.service().method
    ))  # fmt: skip
    await Context().invoke(invoker, invocation)
    assert seen == [({"trace": "1"}, "hello")]
    assert current_request() is None


async def test_inner_filters_see_reserved_names(invoker, invocation):
    """The names that steer a call stay on the invocation, for filters."""
    invocation.attachments = {"token": "secret"}
    await Context().invoke(invoker, invocation)
    assert invoker.invocations[0].attachments == {"token": "secret"}


async def test_response_attachments_go_back(invoker, invocation):
    """What the method puts there is sent with its value."""
    invoker.before = lambda _: RpcContext.response_attachments().update(cost="5", raw=b"\x00")
    result = await Context().invoke(invoker, invocation)
    assert result.attachments == {"cost": "5", "raw": b"\x00"}
    assert result.value == "answer"


async def test_response_attachments_go_back_with_an_exception(invoker, invocation):
    """A method that raises sends its attachments all the same."""
    invoker.result = Result(exception=KeyError("name"))
    invoker.before = lambda _: RpcContext.response_attachments().update(cost="5")
    assert (await Context().invoke(invoker, invocation)).attachments == {"cost": "5"}


async def test_nearer_attachments_override_farther_ones(invoker, invocation):
    """The method's own win over those of an inner filter, and those over downstream calls'."""

    def method(_):
        current_request().downstream.update(a="downstream", b="downstream", c="downstream")
        RpcContext.response_attachments()["a"] = "method"

    invoker.before = method
    invoker.result = Result("answer", None, {"a": "filter", "b": "filter"})
    result = await Context().invoke(invoker, invocation)
    assert result.attachments == {"a": "method", "b": "filter", "c": "downstream"}


async def test_result_is_left_alone_without_attachments(invoker, invocation):
    """A method that sends nothing back changes nothing."""
    invoker.result = Result("answer", None, {"filter": "1"})
    assert await Context().invoke(invoker, invocation) is invoker.result
    assert invoker.result.attachments == {"filter": "1"}


async def test_context_ends_with_a_call_that_failed(invoker, invocation):
    """What is raised goes on, and the call is over all the same."""
    invoker.error = Unavailable("an inner filter refused")
    with pytest.raises(Unavailable):
        await Context().invoke(invoker, invocation)
    assert current_request() is None


async def test_context_ends_with_a_call_that_was_cancelled(invoker, invocation):
    """Cancellation takes the context away like any other end."""
    invoker.error = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await Context().invoke(invoker, invocation)
    assert current_request() is None


async def test_call_within_a_call_has_a_context_of_its_own(invoker, invocation):
    """A local call inside of a method sees itself, and then the method sees itself again."""
    seen = []

    class Nested:
        async def invoke(self, outer):
            before = current_request()
            await Context().invoke(invoker, invocation)
            seen.append(current_request() is before)
            return Result()

    invoker.before = lambda _: seen.append(current_request().invocation is invocation)
    outer = type(invocation)("demo.Outer", "call")
    await Context().invoke(Nested(), outer)
    assert seen == [True, True]


async def test_request_ends_with_its_method(invoker, invocation):
    """Tasks that the method left running can tell that nobody waits for them any more."""
    seen = []
    invoker.before = lambda _: seen.append((current_request(), current_request().ended))
    await Context().invoke(invoker, invocation)
    ((request, ended),) = seen
    assert not ended
    assert request.ended
