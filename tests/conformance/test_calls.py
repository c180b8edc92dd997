"""A call reaches its method, whatever either end writes it as."""

import asyncio
from concurrent.futures import Future

import facade


@facade.service("calls.Greeter")
class Greeter:
    async def hello(self, name: str, greeting: str = "Hello", *, loud: bool = False) -> str: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str, greeting: str = "Hello", *, loud: bool = False) -> str:
        text = f"{greeting} {name}"
        return text.upper() if loud else text


class PlainGreeter(Greeter):
    def hello(self, name: str, greeting: str = "Hello", *, loud: bool = False) -> str:
        return f"{greeting} {name}, plainly"


@facade.service("calls.Plain")
class Plain:
    def hello(self, name: str) -> str: ...

    def later(self, name: str) -> Future[str]: ...


class PlainImpl(Plain):
    async def hello(self, name: str) -> str:
        return f"Hello {name}"

    def later(self, name: str) -> Future[str]:
        future: Future[str] = Future()
        future.set_result(f"Hello {name}, later")
        return future


@facade.service("calls.Keywords")
class Keywords:
    async def pick(self, first: int, *, second: int, third: int = 3) -> list[int]: ...

    async def nothing(self) -> None: ...


class KeywordsImpl(Keywords):
    async def pick(self, first: int, *, second: int, third: int = 3) -> list[int]:
        return [first, second, third]

    async def nothing(self) -> None:
        pass


async def test_async_method_of_an_async_interface(wire):
    """``async def`` at both ends."""
    greeter = await wire.refer(Greeter, GreeterImpl())
    assert await wire.call(greeter.hello, "Ann") == "Hello Ann"


async def test_plain_method_of_an_async_interface(wire):
    """The implementation may be ``def`` where the interface says ``async def``."""
    greeter = await wire.refer(Greeter, PlainGreeter())
    assert await wire.call(greeter.hello, "Ann") == "Hello Ann, plainly"


async def test_async_method_of_a_plain_interface(wire):
    """The implementation may be ``async def`` where the interface says ``def``."""
    plain = await wire.refer(Plain, PlainImpl())
    assert await wire.call(plain.hello, "Ann") == "Hello Ann"


async def test_method_that_returns_a_future(wire):
    """The caller gets a future too, and of it the value."""
    plain = await wire.refer(Plain, PlainImpl())
    assert await wire.value(await wire.do(plain.later, "Ann")) == "Hello Ann, later"


async def test_implementation_of_no_common_class(wire):
    """An implementation need not derive from its interface."""

    class Stranger:
        async def hello(self, name: str, greeting: str = "Hi", *, loud: bool = False) -> str:
            return f"{greeting} {name}"

    greeter = await wire.refer(Greeter, Stranger())
    assert await wire.call(greeter.hello, "Ann", "Ahoy") == "Ahoy Ann"


async def test_arguments_by_position(wire):
    """They arrive in their order."""
    greeter = await wire.refer(Greeter, GreeterImpl())
    assert await wire.call(greeter.hello, "Ann", "Good day") == "Good day Ann"


async def test_arguments_by_name(wire):
    """They arrive by their names, in whatever order they were written."""
    greeter = await wire.refer(Greeter, GreeterImpl())
    assert await wire.call(greeter.hello, greeting="Good day", name="Ann") == "Good day Ann"


async def test_arguments_by_position_and_by_name(wire):
    """Both kinds go together, and one with a default may be passed over."""
    greeter = await wire.refer(Greeter, GreeterImpl())
    assert await wire.call(greeter.hello, "Ann", loud=True) == "HELLO ANN"


async def test_keyword_only_arguments(wire):
    """One that has no default goes by name, and one with a default may be left out."""
    keywords = await wire.refer(Keywords, KeywordsImpl())
    assert await wire.call(keywords.pick, 1, second=2) == [1, 2, 3]
    assert await wire.call(keywords.pick, third=30, second=20, first=10) == [10, 20, 30]


async def test_default_is_that_of_the_implementation(wire):
    """What the caller leaves out, the provider fills in."""

    class Casual(Greeter):
        async def hello(self, name: str, greeting: str = "Hi", *, loud: bool = False) -> str:
            return f"{greeting} {name}"

    greeter = await wire.refer(Greeter, Casual())
    assert await wire.call(greeter.hello, "Ann") == "Hi Ann"


async def test_method_without_arguments_and_without_value(wire):
    """Nothing goes there, and None comes back."""
    keywords = await wire.refer(Keywords, KeywordsImpl())
    assert await wire.call(keywords.nothing) is None


async def test_calls_run_at_the_same_time(wire):
    """Many calls are under way at once, on one connection."""
    count, all_there, here = 8, asyncio.Event(), 0

    class Gathering(Greeter):
        async def hello(self, name: str, greeting: str = "Hello", *, loud: bool = False) -> str:
            nonlocal here
            here += 1
            if here == count:
                all_there.set()
            await all_there.wait()
            return name

    greeter = await wire.refer(Greeter, Gathering())
    calls = [wire.start(greeter.hello, str(number)) for number in range(count)]
    assert await asyncio.gather(*calls) == [str(number) for number in range(count)]


async def test_answers_come_in_any_order(wire):
    """A call that is made later may be answered earlier."""
    released = asyncio.Event()

    class Slow(Greeter):
        async def hello(self, name: str, greeting: str = "Hello", *, loud: bool = False) -> str:
            if name == "slow":
                await released.wait()
            return name

    greeter = await wire.refer(Greeter, Slow())
    slow = wire.start(greeter.hello, "slow")
    assert await wire.call(greeter.hello, "quick") == "quick"
    assert not slow.done()
    released.set()
    assert await slow == "slow"


async def test_many_calls_one_after_the_other(wire):
    """Each call gets its own answer, over a few hundred of them."""
    greeter = await wire.refer(Greeter, GreeterImpl())
    for number in range(300):
        assert await wire.call(greeter.hello, str(number)) == f"Hello {number}"


async def test_facts_of_a_call(wire):
    """The method can see what it was called as, and by whom."""
    seen = []

    class Curious(Greeter):
        async def hello(self, name: str, greeting: str = "Hello", *, loud: bool = False) -> str:
            facts = facade.RpcContext.service()
            seen.append((facts.side, facts.service, facts.method, facts.arguments))
            return facts.remote_address

    greeter = await wire.refer(Greeter, Curious())
    assert await wire.call(greeter.hello, "Ann")
    assert seen == [("provider", "calls.Greeter", "hello", ("Ann",))]


async def test_facts_of_the_last_call(wire):
    """The caller can see which call was his last."""
    greeter = await wire.refer(Greeter, GreeterImpl())
    await wire.call(greeter.hello, "Ann")
    facts = await wire.do(facade.RpcContext.service)
    assert (facts.side, facts.service, facts.method) == ("consumer", "calls.Greeter", "hello")
    assert facts.remote_address


async def test_application_is_known_to_the_provider(wire):
    """The name that the client was given is known where the call is served."""

    class Curious(Greeter):
        async def hello(self, name: str, greeting: str = "Hello", *, loud: bool = False) -> str:
            return facade.RpcContext.service().remote_application

    server = await wire.provide((Greeter, Curious()))
    greeter = wire.connect(server, application="till").refer(Greeter)
    assert await wire.call(greeter.hello, "Ann") == "till"
