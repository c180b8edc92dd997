"""What can't be an interface, and what its author is told."""

import math
from collections.abc import AsyncIterator, Callable

import pytest

import facade
from facade.service import check_timeout, describe, method, service

# Interfaces


def refused(interface):
    with pytest.raises(TypeError) as caught:
        describe(interface)
    return str(caught.value)


def test_object_is_no_interface():
    """An interface is a class, not an object of it."""
    assert refused("Shop") == "an interface is a class, not 'Shop'"


def test_class_without_methods_is_refused():
    """There must be something to call."""

    class Empty:
        _hidden = None

    assert refused(Empty) == (
        f"{Empty.__qualname__} has no public methods: there is nothing to call"
    )


def test_undefined_name_in_a_hint_is_refused():
    """The text says which name it is that can't be found."""

    @service("demo.Bad")
    class Bad:
        def buy(self, order: "Ordre") -> None: ...  # noqa: F821

    assert refused(Bad) == "demo.Bad.buy: its type hints name 'Ordre', which is not defined"


@pytest.mark.parametrize("hint", ["math.Ordre", "list[", "int[str]"])
def test_hint_that_cannot_be_read_is_refused(hint):
    """The text says whose it is, and is not Python's bare error about an expression."""

    class Bad:
        def buy(self, order): ...

    Bad.buy.__annotations__ = {"order": hint}
    said = refused(service("demo.Bad")(Bad))
    assert said.startswith("demo.Bad.buy: its type hints can't be read: ")


@pytest.mark.parametrize("starred", ["args", "kwargs"])
def test_starred_parameters_are_refused(starred):
    """A remote method has a fixed list of parameters."""

    @service("demo.Bad")
    class Args:
        def buy(self, *args: int) -> None: ...

    @service("demo.Bad")
    class Kwargs:
        def buy(self, **kwargs: int) -> None: ...

    text = refused(Args if starred == "args" else Kwargs)
    assert text.startswith(f"demo.Bad.buy: *{starred} can't be called remotely; take a list")


def test_method_without_self_is_refused():
    """A function that takes no object can't be one of a service."""

    @service("demo.Bad")
    class Bad:
        def buy(): ...

    assert refused(Bad) == "demo.Bad.buy lacks `self`: methods of an interface are plain methods"


def test_oneway_with_a_value_is_refused():
    """What nobody answers returns nothing."""

    @service("demo.Bad")
    class Bad:
        @method(oneway=True)
        async def log(self, line: str) -> int: ...

    assert refused(Bad) == ("demo.Bad.log is oneway, so nothing comes back: declare it `-> None`")


def test_oneway_may_leave_its_value_unsaid():
    """A oneway method without a hint is as good as one that returns None."""

    class Good:
        @method(oneway=True)
        async def log(self, line: str): ...

    assert describe(Good).methods["log"].oneway


def test_generator_that_says_it_is_none():
    """What yields is a stream, and its type hint must say so."""

    @service("demo.Bad")
    class Bad:
        def watch(self) -> int:
            yield 1

    assert refused(Bad) == (
        "demo.Bad.watch yields: declare it `-> AsyncIterator[...]` or `-> Iterator[...]`"
    )


def test_streams_and_callbacks():
    """A method has one or the other, as each takes a call of its own kind."""

    @service("demo.Bad")
    class Bad:
        def watch(self, told: Callable[[int], None]) -> AsyncIterator[int]: ...

    assert refused(Bad) == "demo.Bad.watch: a method has streams or callbacks, and not both"


def test_oneway_with_a_stream():
    """Its provider could not say how much it takes."""

    @service("demo.Bad")
    class Bad:
        @method(oneway=True)
        def send(self, parts: AsyncIterator[bytes]) -> None: ...

    assert refused(Bad) == ("demo.Bad.send is oneway: nobody would say how much of 'parts' to send")


# Decorators


def test_service_needs_its_parentheses():
    """The bare decorator would take the class for a name: it says how it is written."""
    with pytest.raises(TypeError) as caught:

        @service
        class Plain: ...

    assert str(caught.value) == (
        "write @facade.service() or @facade.service('its.Name'), with parentheses"
    )


def test_unknown_option_of_a_method_is_refused():
    """A misspelt option fails where the interface is used, and says what is meant."""

    class Desk:
        @method(time_out=1)
        def ask(self) -> None: ...

    with pytest.raises(ValueError, match=r"Desk\.ask: .*'time_out': did you mean 'timeout'"):
        facade.AsyncClient("127.0.0.1:1").refer(Desk)


# Timeouts


@pytest.mark.parametrize("timeout", [None, 1, 0.001, 3600.0])
def test_seconds_to_wait_are_numbers_above_zero(timeout):
    """Whole seconds, parts of them, and None for the default."""
    check_timeout(timeout, "timeout")


@pytest.mark.parametrize("timeout", [0, -1, -0.5, math.inf, math.nan])
def test_number_that_is_no_time_to_wait(timeout):
    """Zero, less, and for ever are refused, and what None would mean is said."""
    with pytest.raises(ValueError, match="is no time to wait") as caught:
        check_timeout(timeout, "timeout of the call")
    assert str(caught.value) == (
        f"timeout of the call: {timeout!r} s is no time to wait; None means the default"
    )


@pytest.mark.parametrize("timeout", ["1", True, b"1", [1]])
def test_what_is_no_number_is_no_timeout(timeout):
    """A text, or True, is not a number of seconds."""
    with pytest.raises(TypeError) as caught:
        check_timeout(timeout, "timeout")
    assert str(caught.value) == f"timeout: {timeout!r} is not a number of seconds"


def test_decorators_check_their_timeouts():
    """A wrong time fails where it is written, and the text says whose it is."""
    with pytest.raises(ValueError, match="timeout of the service: 0 s"):
        service("demo.Bad", timeout=0)
    with pytest.raises(TypeError, match="timeout of the method: 'x'"):
        method(timeout="x")
