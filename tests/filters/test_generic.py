"""``$invoke``: plain values in and out, for who has no interface."""

import dataclasses
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

import facade
from facade.codec import MethodCodec
from facade.filters.generic import INVOKE, Generic
from facade.provider.generic import InvokeCodec
from facade.service import describe
from facade.testing import FakeInvoker, connected, invocation


@dataclasses.dataclass
class Order:
    dish: str
    day: date
    portions: int = 1


class OutOfSalt(Exception):
    pass


@facade.service("generic.Kitchen")
class Kitchen:
    async def cook(self, order: Order) -> Order: ...
    async def price(self, dish: str, portions: int = 1) -> float: ...
    async def nothing(self, one: str | None, two: str | None) -> list[str | None]: ...
    async def fail(self, how: str) -> None: ...
    async def watch(self, tell: Callable[[str], None]) -> None: ...
    @facade.method(oneway=True)
    async def note(self, text: str) -> None: ...


class KitchenImpl(Kitchen):
    async def cook(self, order: Order) -> Order:
        assert type(order) is Order
        return dataclasses.replace(order, portions=order.portions + 1)

    async def price(self, dish: str, portions: int = 1) -> float:
        return 2.5 * portions

    async def nothing(self, one: str | None, two: str | None) -> list[str | None]:
        return [one, two]

    async def fail(self, how: str) -> None:
        raise {"own": ValueError("no"), "other": OutOfSalt("none left")}[how]

    async def watch(self, tell: Callable[[str], None]) -> None: ...

    async def note(self, text: str) -> None: ...


@pytest.fixture
async def kitchen():
    async with connected((Kitchen, KitchenImpl()), timeout=10.0) as client:
        yield client.generic("generic.Kitchen")


PIE = {"dish": "pie", "day": "2024-05-01"}


@pytest.mark.behaviour("B3.16", "B3.17", "B3.18")
@pytest.mark.parametrize("name", ["$invoke", "$invokeAsync"])
async def test_plain_values_in_and_out(kitchen, name):
    """Arguments become what the method's hints say, and its value is plain again."""
    made = await kitchen.invoke(name, "cook", ["demo.Order"], [PIE])
    assert made == {"dish": "pie", "day": "2024-05-01", "portions": 2}
    assert made == await kitchen.invoke("cook", PIE)


@pytest.mark.behaviour("B3.16")
@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("price", None, ["pie"]), 2.5),
        (("price", ["str", "int"], ["pie", 2]), 5.0),
        ((" price ", None, ["pie", 2]), 5.0),  # the name is trimmed
        (("price", None, {"portions": 4, "dish": "pie"}), 10.0),  # by name
        (("nothing", ["str", "str"], None), [None, None]),  # no arguments: None for each type
        (("nothing", ["str", "str"], ["a", None]), ["a", None]),
        (("note", None, ["salt"]), None),
    ],
)
async def test_ways_to_give_arguments(kitchen, arguments, answer):
    """By position, by name, or left out."""
    assert await kitchen.invoke("$invoke", *arguments) == answer


async def test_arguments_of_invoke_by_name(kitchen):
    """Other languages' callers may send a map."""
    assert await kitchen.invoke("$invoke", method="price", args=["pie"]) == 2.5


@pytest.mark.behaviour("B3.16")
@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("prise", None, ["pie"]), facade.Unimplemented, "did you mean 'price'"),
        (("$invoke", None, ["price"]), facade.Unimplemented, "no method"),
        (("$echo", None, ["OK"]), facade.Unimplemented, "no method"),
        (("__init__", None, []), facade.Unimplemented, "no method"),
        (("price", ["str"], ["pie", 2]), facade.InvalidArgument, "2 arguments and 1 types"),
        (("price", None, ["pie", "two"]), facade.InvalidArgument, "'portions'"),
        (("price", None, None), facade.InvalidArgument, "missing argument 'dish'"),
        (("price", "str", ["pie"]), facade.InvalidArgument, "types"),
        (("cook", None, [{"dish": "pie"}]), facade.InvalidArgument, "day"),
        (("watch", None, [None]), facade.InvalidArgument, "callback"),
        ((), facade.InvalidArgument, "method"),
    ],
)
async def test_what_does_not_fit(kitchen, arguments, error, text):
    """It is refused before anything ran, and the error names what is wrong."""
    with pytest.raises(error, match=text) as caught:
        await kitchen.invoke("$invoke", *arguments)
    assert caught.value.sent is not facade.Sent.MAYBE_EXECUTED


@pytest.mark.behaviour("B3.18")
@pytest.mark.parametrize("call", [("fail",), ("$invoke", "fail", None)])
async def test_exceptions_are_portable(kitchen, call):
    """Python's own come as themselves, others by type and text: there is no class to import."""

    async def fail(how):
        await kitchen.invoke(*call, [how]) if len(call) > 1 else await kitchen.invoke(*call, how)

    with pytest.raises(ValueError, match="no"):
        await fail("own")
    with pytest.raises(facade.RemoteError, match="none left") as caught:
        await fail("other")
    assert caught.value.type.endswith("OutOfSalt")


@pytest.mark.behaviour("B3.20")
async def test_other_filters_see_the_method_that_is_meant():
    """All of them, so that what a method is protected by can't be got round."""
    seen = []

    class Spy(facade.Filter):
        async def invoke(self, invoker, invocation):
            seen.append((invocation.name, invocation.method.name, invocation.arguments))
            return await invoker.invoke(invocation)

    filters = ["default", Spy()]
    async with connected((Kitchen, KitchenImpl()), server_filters=filters, timeout=10) as client:
        await client.generic("generic.Kitchen").invoke("$invoke", "price", None, ["pie"])
    assert seen == [("price", "price", ("pie",))]


async def test_token_of_a_method_holds():
    """A token that one method asks for is asked for by that way, too."""
    server = facade.Server("injvm:test-generic")
    server.export(Kitchen, KitchenImpl(), methods={"price": {"token": "s3cret"}})
    async with server, facade.AsyncClient("injvm:test-generic", timeout=10) as client:
        kitchen = client.generic("generic.Kitchen")
        with pytest.raises(facade.RpcError, match=r"Kitchen\.price asks for a token"):
            await kitchen.invoke("$invoke", "price", None, ["pie"])
        assert await kitchen.invoke("$invoke", "nothing", None, [None, None]) == [None, None]


async def test_taken_away():
    """Without the filter there is no such method; generic calls by name go on."""
    off = ["-generic"]
    async with connected((Kitchen, KitchenImpl()), server_filters=off, timeout=10) as client:
        kitchen = client.generic("generic.Kitchen")
        with pytest.raises(facade.Unimplemented, match=r"no method '\$invoke'"):
            await kitchen.invoke("$invoke", "price", None, ["pie"])
        assert await kitchen.invoke("price", "pie") == 2.5


async def test_filter_makes_the_call_that_is_meant():
    """Name, method and arguments become those that its codec found."""
    method = describe(Kitchen).methods["price"]
    call = invocation("$invoke", method, ("pie",), {"portions": 2})
    rest = FakeInvoker(5.0)
    assert (await Generic().invoke(rest, call)).value == 5.0
    assert (call.name, call.method) == ("price", method)
    assert (call.arguments, call.keywords) == (("pie",), {"portions": 2})


class Exported:
    method = describe(Kitchen).methods["price"]
    codec = MethodCodec(method)
    invoker = FakeInvoker()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(
        st.sampled_from(["price", ["str"], ["pie"], {"dish": "pie"}]) | json_values, max_size=4
    )
)
def test_anything_may_come(arguments):
    """Whatever a stranger sends, he gets arguments that fit, or one of our errors."""
    from facade.jsonvalue import to_value

    codec = InvokeCodec(INVOKE, {"price": Exported()})
    for payload in (("value", to_value(arguments)), codec_payload(arguments)):
        try:
            (method, positional, _named), _ = codec.decode_arguments(payload)
        except facade.RpcError:
            continue
        assert method.name == "price"
        assert isinstance(positional, tuple)


def codec_payload(arguments):
    from facade.codec import encode_plain

    return "msgpack", encode_plain(arguments)
