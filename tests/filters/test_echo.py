"""``$echo``: every exported service answers it, and no other call pays for that."""

import pytest

import facade
from facade.core.chain import chain
from facade.filters.echo import Echo
from facade.testing import FakeInvoker, connected, connected_blocking, invocation


@facade.service("echo.Greeter", group="blue", version="1.0")
class Greeter:
    async def hello(self, name: str) -> str: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        return f"Hello {name}"


def generic(client):
    return client.generic("echo.Greeter", group="blue", version="1.0")


@pytest.mark.behaviour("B3.13")
async def test_argument_is_answered():
    """The filter answers by itself: nothing further in is run."""
    rest = FakeInvoker("other")
    result = await Echo().invoke(rest, invocation("$echo", "OK"))
    assert (result.value, rest.invocations) == ("OK", [])


@pytest.mark.behaviour("B3.13")
@pytest.mark.parametrize(
    "call", [invocation("$echo"), invocation("$echo", 1, 2), invocation("hi", 1)]
)
async def test_anything_else_passes_through(call):
    """Another method, or another number of arguments, is not its affair."""
    rest = FakeInvoker("other")
    assert (await Echo().invoke(rest, call)).value == "other"


@pytest.mark.behaviour("B3.14")
@pytest.mark.parametrize("value", ["OK", "", None, 7, 1.5, ["a", {"b": None}], b"\x00"])
async def test_every_service_answers(value):
    """Though its interface has no such method, and by group and version as any other."""
    async with connected((Greeter, GreeterImpl()), timeout=10) as client:
        assert await generic(client).invoke("$echo", value) == value
        assert await generic(client).echo(value) == value


def test_blocking_client_has_it_too():
    """The helper hands the value over as its client does."""
    with connected_blocking((Greeter, GreeterImpl()), timeout=10) as client:
        assert generic(client).echo() == "OK"


@pytest.mark.behaviour("B3.13")
async def test_filters_further_out_let_it_in():
    """They see the call by its name, and those further in do not see it."""
    seen = []

    class Spy(facade.Filter):
        def __init__(self, place):
            self.place = place

        async def invoke(self, invoker, invocation):
            seen.append((self.place, str(invocation), invocation.method.name))
            return await invoker.invoke(invocation)

    filters = [Spy("out"), "default", Spy("in")]
    async with connected((Greeter, GreeterImpl()), server_filters=filters, timeout=10) as client:
        assert await generic(client).echo(1) == 1
    assert seen == [("out", "blue/echo.Greeter:1.0.$echo", "$echo")]


async def test_arguments_that_do_not_fit():
    """Two are not one, and the error says so."""
    async with connected((Greeter, GreeterImpl()), timeout=10) as client:
        with pytest.raises(facade.InvalidArgument, match="2 were given"):
            await generic(client).invoke("$echo", 1, 2)


async def test_taken_away():
    """Without the filter there is no such method."""
    off = ["-echo"]
    async with connected((Greeter, GreeterImpl()), server_filters=off, timeout=10) as client:
        with pytest.raises(facade.Unimplemented, match=r"no method '\$echo'; it has: hello"):
            await generic(client).echo()


async def test_service_that_is_unexported():
    """Its ``$echo`` goes with it, and comes again with the next one."""
    server = facade.Server("injvm:test-echo")
    async with server, facade.AsyncClient("injvm:test-echo", timeout=10) as client:
        for _ in range(2):
            exporter = server.export(Greeter, GreeterImpl())
            assert await generic(client).echo() == "OK"
            exporter.unexport()
            with pytest.raises(facade.RpcError):
                await generic(client).echo()


def test_other_calls_do_not_pass_through_it():
    """Chains of what the interface has are as long as without it."""
    exporter = facade.Server().export(Greeter, GreeterImpl())
    assert "echo" not in repr(exporter.methods["hello"].invoker).replace("echo.Greeter", "")
    assert "timeout -> " in repr(exporter.methods["$echo"].invoker)
    assert "-> echo ->" in repr(exporter.methods["$echo"].invoker)


def test_chain_of_it():
    """It is in the chain that is made for it, and in no other."""
    echo, rest = Echo(), FakeInvoker()
    assert repr(chain([echo], rest)) == "FakeInvoker"
    assert repr(chain([echo], rest, of=echo)) == "echo -> FakeInvoker"
    assert repr(chain([echo], rest, of=Echo())) == "FakeInvoker"


def test_method_of_two_filters():
    """What two filters answer, the one further out does."""

    class Other(facade.Filter):
        answers = Echo.answers

        async def invoke(self, invoker, invocation):
            return facade.Result("mine")

    exporter = facade.Server(filters=["default", Other()]).export(Greeter, GreeterImpl())
    assert "-> echo ->" in repr(exporter.methods["$echo"].invoker)
