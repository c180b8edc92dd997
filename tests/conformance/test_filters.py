"""Chains of filters around a call, at both ends."""

import logging
from time import monotonic

import pytest

import facade
from facade import RpcContext


@facade.service("filtered.Greeter")
class Greeter:
    async def hello(self, name: str) -> str: ...


class GreeterImpl(Greeter):
    def __init__(self) -> None:
        self.calls = 0

    async def hello(self, name: str) -> str:
        self.calls += 1
        return f"Hello {name}"


class Noting(facade.Filter):
    """Notes when a call enters and leaves it."""

    def __init__(self, name, notes):
        self.name = name
        self.notes = notes

    async def invoke(self, invoker, invocation):
        self.notes.append(f"{self.name} in")
        try:
            return await invoker.invoke(invocation)
        finally:
            self.notes.append(f"{self.name} out")


class Raising(facade.Filter):
    def __init__(self, error):
        self.error = error

    async def invoke(self, invoker, invocation):
        raise self.error


class Listening(facade.Filter):
    def __init__(self, notes):
        self.notes = notes

    def on_response(self, result, invoker, invocation):
        self.notes.append(("response", result.value, type(result.exception)))

    def on_error(self, error, invoker, invocation):
        self.notes.append(("error", type(error)))


async def greeter(wire, impl=None, *, consumer=(), provider=()):
    server = await wire.provide((Greeter, impl or GreeterImpl()), filters=provider)
    return wire.connect(server, filters=consumer).refer(Greeter)


async def test_chains_run_in_order(wire):
    """The first listed is outermost: the consumer's, then the provider's, and back."""
    notes = []
    service = await greeter(
        wire,
        consumer=[Noting("a", notes), Noting("b", notes)],
        provider=[Noting("c", notes), Noting("d", notes)],
    )
    assert await wire.call(service.hello, "Ann") == "Hello Ann"
    there = ["a in", "b in", "c in", "d in"]
    assert notes == [*there, "d out", "c out", "b out", "a out"]


async def test_filters_see_a_oneway_call(wire):
    """It runs through both chains, too."""
    notes = []
    service = await greeter(wire, consumer=[Noting("a", notes)], provider=[Noting("c", notes)])
    await wire.call(service.hello.oneway, "Ann")
    await wire.call(service.hello, "Ann")
    assert notes.count("a in") == 2
    assert notes.count("c in") == 2


async def test_filter_that_answers_itself(wire):
    """A filter need not call on: its own result is the answer."""

    class Cache(facade.Filter):
        async def invoke(self, invoker, invocation):
            return facade.Result("from the cache")

    impl = GreeterImpl()
    consumer = await greeter(wire, impl, consumer=[Cache()])
    provider = await greeter(wire, impl, provider=[Cache()])
    assert await wire.call(consumer.hello, "Ann") == "from the cache"
    assert await wire.call(provider.hello, "Ann") == "from the cache"
    assert impl.calls == 0


async def test_filter_that_calls_twice(wire):
    """A filter of the consumer can call again, and each call is sent."""

    class Twice(facade.Filter):
        async def invoke(self, invoker, invocation):
            await invoker.invoke(invocation)
            return await invoker.invoke(invocation)

    impl = GreeterImpl()
    service = await greeter(wire, impl, consumer=[Twice()])
    assert await wire.call(service.hello, "Ann") == "Hello Ann"
    assert impl.calls == 2


async def test_filter_that_changes_arguments(wire):
    """What a filter writes into the invocation is what goes on, at either end."""

    class Title(facade.Filter):
        def __init__(self, title):
            self.title = title

        async def invoke(self, invoker, invocation):
            invocation.arguments = (f"{self.title} {invocation.arguments[0]}",)
            return await invoker.invoke(invocation)

    service = await greeter(wire, consumer=[Title("Dr")], provider=[Title("Prof")])
    assert await wire.call(service.hello, "Ann") == "Hello Prof Dr Ann"


async def test_filter_that_changes_the_value(wire):
    """What a filter writes into the result is what comes back, at either end."""

    class Louder(facade.Filter):
        def on_response(self, result, invoker, invocation):
            result.value += "!"

    service = await greeter(wire, consumer=[Louder()], provider=[Louder()])
    assert await wire.call(service.hello, "Ann") == "Hello Ann!!"


async def test_filters_speak_by_attachments(wire):
    """What the consumer's filter attaches, the provider's finds, and the other way round."""

    class Sign(facade.Filter):
        async def invoke(self, invoker, invocation):
            invocation.attachments["signature"] = "Ann's"
            result = await invoker.invoke(invocation)
            result.value += f", {result.attachments['seal']}"
            return result

    class Check(facade.Filter):
        async def invoke(self, invoker, invocation):
            result = await invoker.invoke(invocation)
            result.attachments["seal"] = f"{invocation.attachments['signature']} is good"
            return result

    service = await greeter(wire, consumer=[Sign()], provider=[Check()])
    assert await wire.call(service.hello, "Ann") == "Hello Ann, Ann's is good"


async def test_listeners_hear_of_values(wire):
    """on_response is called once at each end, with the value."""
    consumer, provider = [], []
    service = await greeter(wire, consumer=[Listening(consumer)], provider=[Listening(provider)])
    await wire.call(service.hello, "Ann")
    assert consumer == provider == [("response", "Hello Ann", type(None))]


async def test_listeners_hear_of_exceptions_as_responses(wire):
    """An exception of the method is an answer, at both ends."""

    class Failing(GreeterImpl):
        async def hello(self, name: str) -> str:
            raise ValueError("no")

    consumer, provider = [], []
    service = await greeter(
        wire, Failing(), consumer=[Listening(consumer)], provider=[Listening(provider)]
    )
    with pytest.raises(ValueError, match="no"):
        await wire.call(service.hello, "Ann")
    assert consumer == provider == [("response", None, ValueError)]


async def test_listeners_hear_of_errors_on_the_way(wire):
    """What a provider's filter raises is an error to the consumer's listeners."""
    notes = []
    service = await greeter(
        wire, consumer=[Listening(notes)], provider=[Raising(facade.LimitExceeded("enough"))]
    )
    with pytest.raises(facade.LimitExceeded):
        await wire.call(service.hello, "Ann")
    assert notes == [("error", facade.LimitExceeded)]


async def test_filter_of_the_provider_that_refuses(wire):
    """An RpcError comes through with its class, code and message; the method is not called."""
    impl = GreeterImpl()
    refusal = facade.RpcError(
        "not for you",
        code=facade.Code.FORBIDDEN,
        status=facade.Status.PERMISSION_DENIED,
        sent=facade.Sent.NOT_EXECUTED,
    )
    service = await greeter(wire, impl, provider=[Raising(refusal)])
    with pytest.raises(facade.RpcError, match="not for you") as raised:
        await wire.call(service.hello, "Ann")
    assert raised.value.code is facade.Code.FORBIDDEN
    assert raised.value.status is facade.Status.PERMISSION_DENIED
    assert (raised.value.sent, raised.value.remote) == (facade.Sent.NOT_EXECUTED, True)
    assert impl.calls == 0


async def test_filter_of_the_consumer_that_refuses(wire):
    """Its RpcError is what the caller gets; nothing is sent."""
    impl = GreeterImpl()
    refusal = facade.LimitExceeded("enough")
    service = await greeter(wire, impl, consumer=[Raising(refusal)])
    with pytest.raises(facade.LimitExceeded) as raised:
        await wire.call(service.hello, "Ann")
    assert raised.value is refusal
    assert impl.calls == 0


@pytest.mark.parametrize("kind", [ValueError, SystemExit, GeneratorExit])
async def test_bug_in_a_filter_of_the_provider(wire, kind, caplog):
    """The caller learns that the provider failed, but not how; the provider's log has it."""
    service = await greeter(wire, provider=[Raising(kind("a bug"))])
    with caplog.at_level(logging.ERROR), pytest.raises(facade.RpcError) as raised:
        await wire.call(service.hello, "Ann")
    assert raised.value.status is facade.Status.INTERNAL
    assert raised.value.remote
    assert "filtered.Greeter.hello" in str(raised.value)
    assert "a bug" not in str(raised.value)
    assert "a bug" in caplog.text


async def test_bug_in_a_filter_of_the_consumer(wire):
    """It comes out where the caller can see it, as itself, and the next call works."""

    class Sometimes(facade.Filter):
        async def invoke(self, invoker, invocation):
            if invocation.arguments == ("bug",):
                raise ValueError("a bug")
            return await invoker.invoke(invocation)

    service = await greeter(wire, consumer=[Sometimes()])
    with pytest.raises(ValueError, match="a bug"):
        await wire.call(service.hello, "bug")
    assert await wire.call(service.hello, "Ann") == "Hello Ann"


async def test_call_after_a_bug_in_a_filter_of_the_provider(wire):
    """The connection is none the worse for it."""

    class Sometimes(facade.Filter):
        async def invoke(self, invoker, invocation):
            if invocation.arguments == ("bug",):
                raise ValueError("a bug")
            return await invoker.invoke(invocation)

    service = await greeter(wire, provider=[Sometimes()])
    with pytest.raises(facade.RpcError):
        await wire.call(service.hello, "bug")
    assert await wire.call(service.hello, "Ann") == "Hello Ann"


async def test_filter_that_is_taken_away(wire):
    """Without "timeout" a late value is given to who still waits for it."""

    class Dawdler(GreeterImpl):
        async def hello(self, name: str) -> str:
            countdown = RpcContext.countdown()
            assert countdown is not None
            countdown.deadline = monotonic()  # as if it had taken that long
            return f"Hello {name}, late"

    with_it = await greeter(wire, Dawdler(), provider=["default"])
    with pytest.raises(facade.DeadlineExceeded):
        await wire.call(with_it.hello, "Ann")
    without = await greeter(wire, Dawdler(), provider=["default", "-timeout"])
    assert await wire.call(without.hello, "Ann") == "Hello Ann, late"


async def test_chain_without_any_filter(wire):
    """With "-default" at both ends calls still work."""
    service = await greeter(wire, consumer=["-default"], provider=["-default"])
    assert await wire.call(service.hello, "Ann") == "Hello Ann"


async def test_chain_prints_as_what_it_is(wire):
    """Both ends show their filters in order, flat."""
    server = await wire.provide(filters=["default", "-timeout"])
    exporter = server.export(Greeter, GreeterImpl())
    client = wire.connect(server, filters=[Listening([])])
    assert repr(exporter.invoker) == "context -> exception -> LocalInvoker('filtered.Greeter')"
    assert repr(client.invoker).startswith("consumer_context -> listening -> ")


async def test_unknown_filter(wire):
    """A name that no filter has is told where it is written, with one that is near."""
    with pytest.raises(ValueError, match="did you mean 'timeout'"):
        await wire.provide(filters=["timeuot"])
