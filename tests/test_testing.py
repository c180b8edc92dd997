"""facade.testing, as users of it would use it."""

import asyncio

import pytest

import facade
from facade.testing import FakeInvoker, configured, connected, connected_blocking, invocation


@facade.service("testing.Greeter", group="blue", version="2.0")
class Greeter:
    async def hello(self, name: str) -> str: ...

    @facade.method(oneway=True)
    async def log(self, line: str) -> None: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        return f"Hello {name}"

    async def log(self, line: str) -> None:
        pass


@facade.service("testing.Adder")
class Adder:
    async def add(self, a: int, b: int) -> int: ...


class AdderImpl(Adder):
    def add(self, a: int, b: int) -> int:
        return a + b


class Passing(facade.Filter):
    """Notes each call that passes."""

    def __init__(self) -> None:
        self.passed: list[str] = []

    async def invoke(self, invoker, invocation):
        self.passed.append(invocation.name)
        return await invoker.invoke(invocation)


class Applications(facade.Filter):
    """Notes who calls."""

    def __init__(self) -> None:
        self.applications: list[str] = []

    async def invoke(self, invoker, invocation):
        self.applications.append(invocation.remote_application)
        return await invoker.invoke(invocation)


async def test_connected_serves_all_that_it_was_given():
    """Several services are reached through one client, with or without async methods."""
    async with connected((Greeter, GreeterImpl()), (Adder, AdderImpl()), timeout=20) as client:
        assert await client.refer(Greeter).hello("Ann") == "Hello Ann"
        assert await client.refer(Adder).add(1, 2) == 3


async def test_connected_runs_the_chains_of_both_ends():
    """A filter of the client and one of the server each see the call."""
    consumer, provider = Passing(), Passing()
    async with connected(
        (Greeter, GreeterImpl()), filters=[consumer], server_filters=[provider], timeout=20
    ) as client:
        await client.refer(Greeter).hello("Ann")
    assert consumer.passed == ["hello"]
    assert provider.passed == ["hello"]


async def test_connected_carries_frames_and_no_objects():
    """A value is encoded and decoded on its way: a misfit is refused as over gRPC."""
    async with connected((Adder, AdderImpl()), timeout=20) as client:
        with pytest.raises(facade.InvalidArgument, match="argument 'b'"):
            await client.refer(Adder).add(1, "two")


async def test_connected_hands_settings_to_the_client():
    """What AsyncClient takes can be given, and nothing else."""
    provider = Applications()
    async with connected(
        (Adder, AdderImpl()), server_filters=[provider], timeout=20, application="till"
    ) as client:
        await client.refer(Adder).add(1, 2)
    assert provider.applications == ["till"]
    with pytest.raises(TypeError):
        await connected(no_such_setting=1).__aenter__()


class Greeting(facade.Filter):
    """Sends its setting back."""

    keys = {"greeting": str}

    def __init__(self, greetings) -> None:
        self.greetings = greetings

    @classmethod
    def configure(cls, settings):
        return cls(settings.by_method("greeting", "Hello"))

    async def invoke(self, invoker, invocation):
        invocation.attachments["greeting"] = self.greetings[invocation.name]
        return await invoker.invoke(invocation)


def test_configured_makes_a_filter_of_settings():
    """What holds for all methods and for one reaches ``configure``."""
    made = configured(Greeting, greeting="Hi", methods={"bye": {"greeting": "Bye"}})
    assert (made.greetings["hello"], made.greetings["bye"]) == ("Hi", "Bye")
    assert configured(Greeting).greetings["hello"] == "Hello"


def test_configured_checks_settings_as_an_export_does():
    """A misspelt setting, and one of another type, fail before the filter is made."""
    with pytest.raises(ValueError, match=r"Greeting: .*'greting': did you mean 'greeting'"):
        configured(Greeting, greting="Hi")
    with pytest.raises(TypeError, match=r"Greeting\.bye: greeting is str, not int"):
        configured(Greeting, methods={"bye": {"greeting": 1}})


def test_configured_refuses_what_is_no_filter():
    """A filter that does nothing is told of, as a chain would."""

    class Nothing(facade.Filter):
        pass

    with pytest.raises(TypeError, match="Nothing does nothing"):
        configured(Nothing)


async def test_connected_hands_settings_to_the_server():
    """They are those of the server's filters, and checked."""
    settings = {"server_filters": [configured(Greeting)], "server_settings": {"greting": "Hi"}}
    with pytest.raises(ValueError, match="did you mean 'greeting'"):
        await connected((Adder, AdderImpl()), **settings).__aenter__()
    with pytest.raises(ValueError, match="did you mean 'greeting'"):
        connected_blocking((Adder, AdderImpl()), **settings).__enter__()


async def test_connected_leaves_no_task_behind():
    """Both ends are closed in peace: nothing runs on after the block."""
    before = asyncio.all_tasks()
    async with connected((Greeter, GreeterImpl()), timeout=20) as client:
        await client.refer(Greeter).hello("Ann")
    assert asyncio.all_tasks() <= before


async def test_connected_closes_when_the_test_fails():
    """An exception of the block comes out as itself, and both ends are closed."""
    before = asyncio.all_tasks()

    async def failing_test():
        async with connected((Greeter, GreeterImpl()), timeout=20) as client:
            await client.refer(Greeter).hello("Ann")
            raise AssertionError("the test's")

    with pytest.raises(AssertionError, match="the test's"):
        await failing_test()
    assert asyncio.all_tasks() <= before


async def test_fake_invoker_answers_a_value():
    """The value and the attachments come in a result, a new one for each call."""
    invoker = FakeInvoker("value", attachments={"k": "v"})
    first = await invoker.invoke(invocation())
    first.clear()
    second = await invoker.invoke(invocation())
    assert (second.value, second.attachments) == ("value", {"k": "v"})


async def test_fake_invoker_answers_an_exception():
    """``exception`` is an answer: the method raised it."""
    raised = ValueError("no")
    result = await FakeInvoker(exception=raised).invoke(invocation())
    assert result.exception is raised


async def test_fake_invoker_raises_an_error():
    """``error`` fails the call on its way, and the call is recorded all the same."""
    invoker = FakeInvoker(error=facade.Unavailable("gone"))
    with pytest.raises(facade.Unavailable, match="gone"):
        await invoker.invoke(invocation())
    assert len(invoker.invocations) == 1


async def test_fake_invoker_calls_a_function():
    """A function is given the invocation, and gives a value or a whole result."""
    plain = FakeInvoker(function=lambda call: call.arguments[0] * 2)
    whole = FakeInvoker(function=lambda call: facade.Result(exception=KeyError(call.name)))
    assert (await plain.invoke(invocation("double", 21))).value == 42
    assert isinstance((await whole.invoke(invocation())).exception, KeyError)


async def test_fake_invoker_awaits_an_async_function():
    """An async function is awaited; what it raises fails the call on its way."""

    async def function(call):
        await asyncio.sleep(0)
        if call.name == "bad":
            raise facade.Unavailable("gone")
        return "good"

    invoker = FakeInvoker(function=function)
    assert (await invoker.invoke(invocation("good"))).value == "good"
    with pytest.raises(facade.Unavailable):
        await invoker.invoke(invocation("bad"))


async def test_fake_invoker_records_what_a_filter_hands_on():
    """``invocations`` are those that reached it, in order, as the filter left them."""

    class Twice(facade.Filter):
        async def invoke(self, invoker, invocation):
            await invoker.invoke(invocation)
            invocation.attachments["again"] = "yes"
            return await invoker.invoke(invocation)

    invoker, call = FakeInvoker("value"), invocation()
    result = await Twice().invoke(invoker, call)
    assert result.value == "value"
    assert invoker.invocations == [call, call]
    assert call.attachments == {"again": "yes"}


def test_invocation_has_defaults():
    """It can be made of nothing."""
    call = invocation()
    assert str(call) == "test.Service.hello"
    assert (call.arguments, call.timeout, call.countdown) == ((), None, None)


def test_invocation_takes_what_a_filter_reads():
    """Arguments stand after the name; the rest goes by name."""
    countdown = facade.TimeoutCountDown(5)
    call = invocation(
        "add", 1, 2, service="s", attachments={"k": b"v"}, timeout=3, countdown=countdown,
        remote_application="till",
    )  # fmt: skip
    assert (call.service, call.name, call.arguments) == ("s", "add", (1, 2))
    assert (call.attachments, call.timeout, call.countdown) == ({"k": b"v"}, 3, countdown)
    assert call.remote_application == "till"


def test_invocation_of_an_interface():
    """Service, group, version and method are those of the interface."""
    call = invocation("log", "line", interface=Greeter)
    assert call.service_key == "blue/testing.Greeter:2.0"
    assert call.method is not None
    assert call.oneway


def test_invocation_of_a_method_that_the_interface_lacks():
    """A typo in a test is told at once."""
    with pytest.raises(ValueError, match="has no method 'helo'"):
        invocation("helo", interface=Greeter)
