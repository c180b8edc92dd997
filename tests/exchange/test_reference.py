"""Callback arguments on the wire, as types say."""

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Value

import facade
from facade.codec import MSGPACK, VALUE, decode_plain, encode_plain
from facade.exchange.reference import (
    CallbackCodec,
    CallbackInterface,
    Reference,
    method_codec,
)
from facade.service import describe


class Listener(Protocol):
    async def heard(self, text: str) -> None: ...

    @facade.method(timeout=3.0, oneway=True)
    def over(self) -> None: ...


class Compare(Protocol):
    """A function, with names for its arguments."""

    def __call__(self, left: int, *, right: int = 0) -> bool: ...


@dataclass
class Holder:
    function: Callable[[], None]


class Interface:
    async def watch(
        self, listener: Listener, symbol: str = "", *, ended: Callable[[], None] | None = None
    ) -> None: ...


def codec(interface, name):
    return method_codec(describe(interface).methods[name])


def test_reference_takes_the_place_of_the_argument():
    """It is a map with a number, by position and by name."""
    watch = codec(Interface, "watch")
    assert isinstance(watch, CallbackCodec)

    def change(interface, value):
        return Reference(value)

    arguments = watch.substitute((1, "ACME"), {"ended": 2}, change)
    assert arguments == ((Reference(1), "ACME"), {"ended": Reference(2)})
    encoding, content = watch.encode_arguments(*arguments)
    assert encoding == MSGPACK
    assert decode_plain(content) == {
        "listener": {"callback": 1},
        "symbol": "ACME",
        "ended": {"callback": 2},
    }
    assert watch.decode_arguments((encoding, content)) == arguments


def test_reference_in_json():
    """JSON tools and other languages send the same."""
    sent = ParseDict([{"callback": 3}, "ACME"], Value())
    arguments, keywords = codec(Interface, "watch").decode_arguments((VALUE, sent))
    assert arguments == (Reference(3), "ACME")
    assert keywords is None


@pytest.mark.parametrize("wrong", [None, 3, {}, {"callback": 0}, {"callback": "one"}, []])
def test_what_is_no_reference(wrong):
    """It is refused by the name of its argument."""
    with pytest.raises(facade.InvalidArgument, match="'listener'"):
        codec(Interface, "watch").decode_arguments((MSGPACK, encode_plain([wrong])))


def test_interface_of_a_function():
    """Its arguments and value are typed by the hint."""
    interface = CallbackInterface("demo.f(x)", Callable[[int, str], Awaitable[float]])
    (method,) = interface.methods.values()
    assert [p.type for p in method.parameters] == [int, str]
    assert method.returns is float
    assert interface.type is None
    assert CallbackInterface("f", Callable[[], Future[int]]).methods["call"].returns is int


def test_interface_of_an_object():
    """Its methods are those of the class, with what their decorators say."""
    interface = CallbackInterface("demo.f(x)", Listener | None)
    assert list(interface.methods) == ["heard", "over"]
    assert interface.methods["over"].timeout == 3.0
    assert interface.optional
    assert interface.functions(object()) is None


def test_protocol_of_a_function():
    """One with ``__call__`` is a function whose arguments have names."""
    interface = CallbackInterface("demo.f(x)", Compare)
    assert interface.functions(max) == {"call": max}
    payload = interface.codecs["call"].encode_arguments((1,), {"right": 2})
    assert interface.codecs["call"].decode_arguments(payload) == ((1,), {"right": 2})
    with pytest.raises(facade.InvalidArgument, match="'wrong'"):
        interface.codecs["call"].encode_arguments((1,), {"wrong": 2})


def test_open_function():
    """``Callable[..., R]`` takes what is plain, by position or by name, and types the value."""
    open_ = CallbackInterface("demo.f(x)", Callable[..., int]).codecs["call"]
    for given in (((1, "a"), None), ((), {"a": 1}), ((), None)):
        assert open_.decode_arguments(open_.encode_arguments(*given)) == given
    assert open_.decode_arguments((VALUE, Value())) == ((), None)
    with pytest.raises(facade.InvalidArgument, match="by position or by name"):
        open_.encode_arguments((1,), {"a": 1})
    with pytest.raises(facade.InvalidArgument, match="a list or a map"):
        open_.decode_arguments((MSGPACK, encode_plain("text")))
    with pytest.raises(facade.InvalidArgument, match="can't be encoded"):
        open_.encode_arguments((object(),), None)
    with pytest.raises(facade.RpcError, match="not a int"):
        open_.decode_result((MSGPACK, encode_plain("text")))


def test_one_key_for_one_type():
    """Two parameters of one type share their callbacks; unhashable hints share none."""
    first = CallbackInterface("demo.f(x)", Callable[[int], None])
    second = CallbackInterface("demo.g(x)", Callable[[int], None] | None)
    assert first.key == second.key
    assert first.key != CallbackInterface("demo.f(x)", Callable[[str], None]).key


class InList:
    async def f(self, given: list[Callable[[], None]]) -> None: ...


class InData:
    async def f(self, given: Holder) -> None: ...


class Returned:
    async def f(self) -> Callable[[], None]: ...


class TakesCallable:
    async def f(self, given: Callable[[Callable[[], None]], None]) -> None: ...


class TakesListener:
    async def f(self, given: "Nested") -> None: ...


class Nested(Protocol):
    async def again(self, nested: "Nested") -> None: ...


class BothWays(Protocol):
    def __call__(self) -> None: ...

    def other(self) -> None: ...


class TakesBoth:
    async def f(self, given: BothWays) -> None: ...


class TakesComplex:
    async def f(self, given: Callable[[complex], None]) -> None: ...


@pytest.mark.parametrize(
    ("interface", "text"),
    [
        (InList, "Callable can't be sent"),
        (InData, "Callable can't be sent"),
        (Returned, "Callable can't be sent"),
        (TakesCallable, "call takes a callback, and a callback can't be given one"),
        (TakesListener, "again takes a callback, and a callback can't be given one"),
        (TakesBoth, "BothWays has __call__ and other"),
        (TakesComplex, r"f\(given\)\.call: complex can't be sent"),
    ],
)
def test_where_callbacks_can_not_be(interface: type, text: str):
    """It is an error when the interface is referred to or exported, and not at the first call."""
    with pytest.raises(TypeError, match=text):
        facade.AsyncClient("nowhere:1").refer(interface)

    class Implementation:
        async def f(self, given: Any = None) -> Any: ...

    with pytest.raises(TypeError, match=text):
        facade.Server().export(interface, Implementation())
