"""Chains, through both ends and over every wire: nesting, listeners, failures."""

import pytest

import facade
from facade.core import Invocation, chain
from facade.testing import FakeInvoker


@facade.service("chain.Greeter")
class Greeter:
    async def hello(self, name: str) -> str: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        if not name:
            raise ValueError("no name")
        return f"Hello {name}"


class Note(facade.Filter):
    """Notes what it does and hears."""

    def __init__(self, name, log, **raises):
        self.name, self.log, self.raises = name, log, raises

    def note(self, event, what=""):
        self.log.append(f"{self.name} {event}{what and ': '}{what}")
        if event in self.raises:
            raise self.raises[event]

    async def invoke(self, invoker, invocation):
        self.note("before")
        return await invoker.invoke(invocation)

    def on_response(self, result, invoker, invocation):
        self.note("response", "raised" if result.exception else str(result.value))

    def on_error(self, error, invoker, invocation):
        self.note("error", str(error))


class Answer(Note):
    """Answers itself."""

    async def invoke(self, invoker, invocation):
        self.note("before")
        return facade.Result("cached")


@pytest.fixture
def log():
    return []


async def refer(wire, filters, server_filters=()):
    server = await wire.provide((Greeter, GreeterImpl()), filters=["default", *server_filters])
    return wire.connect(server, filters=["default", *filters]).refer(Greeter)


# Nesting


@pytest.mark.behaviour("B2.5", "B2.6", "B2.20", "B2.21")
async def test_order(wire, log):
    """On the way in: the order of the lists, the consumer's before the provider's. Callbacks run
    innermost first."""
    greeter = await refer(wire, [Note("a", log), Note("b", log)], [Note("c", log), Note("d", log)])
    assert await wire.call(greeter.hello, "Ann") == "Hello Ann"
    assert log == [f"{name} before" for name in "abcd"] + [
        f"{name} response: Hello Ann" for name in "dcba"
    ]


@pytest.mark.behaviour("B2.7")
def test_no_filters():
    """Without filters the invoker stands for itself."""
    end = FakeInvoker()
    assert chain([], end) is end
    assert repr(facade.Server(filters=["-default"]).export(Greeter, GreeterImpl()).invoker) == (
        "LocalInvoker('chain.Greeter')"
    )


@pytest.mark.behaviour("B2.8")
def test_each_link_answers_for_the_invoker_at_the_end(log):
    """Each link is as available as the invoker at the end."""

    class Known(FakeInvoker):
        available = True

    head = chain([Note("a", log), Note("b", log)], Known())
    for link in (head, head.next):
        assert link.available is True
    Known.available = False
    assert head.available is False


@pytest.mark.behaviour("B2.9")
async def test_what_filters_are_given(log):
    """Our decision: ``invoker`` is the next link, in ``invoke`` and in callbacks alike."""
    seen = []

    class See(facade.Filter):
        async def invoke(self, invoker, invocation):
            seen.append(invoker)
            return await invoker.invoke(invocation)

        def on_response(self, result, invoker, invocation):
            seen.append(invoker)

    head = chain([See(), Note("b", log)], FakeInvoker("x"))
    await head.invoke(Invocation("chain.Greeter", "hello"))
    assert seen == [head.next, head.next]


# How calls end


@pytest.mark.behaviour("B2.25")
async def test_exception_of_the_method_is_a_response(wire, log):
    """The method raised: that is an answer, at both ends."""
    greeter = await refer(wire, [Note("a", log)], [Note("b", log)])
    with pytest.raises(ValueError, match="no name"):
        await wire.call(greeter.hello, "")
    assert log == ["a before", "b before", "b response: raised", "a response: raised"]


@pytest.mark.behaviour("B2.26", "B2.27")
async def test_filter_that_raises(wire, log):
    """It hears of its own error, then each one further out, once; who is further in hears
    nothing."""
    refusal = facade.LimitExceeded("too many")
    filters = [Note("a", log), Note("b", log, before=refusal), Note("c", log)]
    greeter = await refer(wire, filters)
    with pytest.raises(facade.LimitExceeded):
        await wire.call(greeter.hello, "Ann")
    assert log == ["a before", "b before", "b error: too many", "a error: too many"]


@pytest.mark.behaviour("B2.26")
async def test_refusal_of_the_provider_is_an_error_at_the_consumer(wire, log):
    """What a filter of the provider raises, filters of both ends hear as an error."""
    refusal = facade.LimitExceeded("too many")
    greeter = await refer(wire, [Note("a", log)], [Note("b", log, before=refusal)])
    with pytest.raises(facade.LimitExceeded):
        await wire.call(greeter.hello, "Ann")
    assert log == ["a before", "b before", "b error: too many", "a error: too many"]


@pytest.mark.behaviour("B2.26", "B2.23")
async def test_on_error_that_raises(wire, log):
    """Its error takes the place of the one that it was told. Our decision: so it is however the
    call failed, where Dubbo swallows it for what failed asynchronously."""
    first, second = facade.LimitExceeded("first"), facade.LimitExceeded("second")
    filters = [Note("a", log), Note("b", log, before=first, error=second)]
    greeter = await refer(wire, filters)
    with pytest.raises(facade.LimitExceeded, match="second"):
        await wire.call(greeter.hello, "Ann")
    assert log == ["a before", "b before", "b error: first", "a error: second"]


@pytest.mark.behaviour("B2.22", "B2.23")
async def test_on_response_that_raises(wire, log):
    """The call has failed for all that is further out, and for the caller; the filter itself is
    not told again."""
    problem = facade.LimitExceeded("no")
    filters = [Note("a", log), Note("b", log, response=problem), Note("c", log)]
    greeter = await refer(wire, filters)
    with pytest.raises(facade.LimitExceeded):
        await wire.call(greeter.hello, "Ann")
    assert log == [
        *(f"{name} before" for name in "abc"),
        "c response: Hello Ann",
        "b response: Hello Ann",
        "a error: no",
    ]


@pytest.mark.behaviour("B2.28")
async def test_filter_that_answers_itself(wire, log):
    """It and those further out hear of it. As in 2.7, those further in hear nothing of a call
    that never came to them."""
    greeter = await refer(wire, [Note("a", log), Answer("b", log), Note("c", log)])
    assert await wire.call(greeter.hello, "Ann") == "cached"
    assert log == ["a before", "b before", "b response: cached", "a response: cached"]


@pytest.mark.behaviour("B2.29")
async def test_callback_that_changes_the_result(wire, log):
    """Value and attachments: those further out see it, and so does the caller."""

    class Change(facade.Filter):
        def on_response(self, result, invoker, invocation):
            result.value += "!"
            result.attachments["changed"] = "yes"

    greeter = await refer(wire, [Note("a", log), Change()], [Note("b", log), Change()])
    assert await wire.call(greeter.hello, "Ann") == "Hello Ann!!"
    assert log[2:] == ["b response: Hello Ann!", "a response: Hello Ann!!"]
    back = await wire.do(facade.RpcContext.response_attachments)
    assert back["changed"] == "yes"


@pytest.mark.behaviour("B2.29")
async def test_callback_that_replaces_an_exception(wire):
    """An exception may become a value, and a value an exception."""

    class Swap(facade.Filter):
        def on_response(self, result, invoker, invocation):
            if result.exception is not None:
                result.exception, result.value = None, "rescued"
            else:
                result.exception = KeyError("lost")

    greeter = await refer(wire, [Swap()])
    assert await wire.call(greeter.hello, "") == "rescued"
    with pytest.raises(KeyError, match="lost"):
        await wire.call(greeter.hello, "Ann")


# State


@pytest.mark.behaviour("B2.30", "B2.1")
async def test_state_of_a_call_is_in_its_attributes(wire):
    """One filter serves all calls at once; what it notes of one stays with that one, and never
    leaves the end."""
    seen = {}

    class Stamp(facade.Filter):
        async def invoke(self, invoker, invocation):
            assert invocation.attributes == {}
            invocation.attributes[self] = invocation.arguments[0]
            return await invoker.invoke(invocation)

        def on_response(self, result, invoker, invocation):
            seen[invocation.attributes[self]] = result.value

    greeter = await refer(wire, [Stamp()], [Stamp()])
    calls = [wire.start(greeter.hello, str(n)) for n in range(16)]
    for call in calls:
        await call
    assert seen == {str(n): f"Hello {n}" for n in range(16)}


@pytest.mark.behaviour("B2.32")
async def test_code_behind_the_call_runs_when_the_result_is_there(wire):
    """Our decision: ``await invoker.invoke`` waits for the answer, so that what stands behind it
    measures the whole call, and not the sending alone as in Dubbo."""
    values = []

    class Behind(facade.Filter):
        async def invoke(self, invoker, invocation):
            result = await invoker.invoke(invocation)
            values.append(result.value)
            return result

    greeter = await refer(wire, [Behind()], [Behind()])
    assert await wire.call(greeter.hello, "Ann") == "Hello Ann"
    assert values == ["Hello Ann", "Hello Ann"]
