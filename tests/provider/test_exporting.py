"""What a server exports."""

import pytest

import facade
from tests.provider.greeter import Greeter, GreeterImpl


def test_export_gives_an_exporter():
    """It prints as what is exported, and by which chain."""
    server = facade.Server(filters=["-timeout", "-exception"])
    exporter = server.export(Greeter, GreeterImpl(), group="blue")
    assert server.exporters == [exporter]
    assert repr(exporter) == (
        "<Exporter of blue/server.Greeter:1.0: context -> LocalInvoker('blue/server.Greeter:1.0')>"
    )
    assert "blue/server.Greeter:1.0" in repr(server)


def test_unexport_twice():
    """The second time is nothing."""
    server = facade.Server()
    exporter = server.export(Greeter, GreeterImpl())
    exporter.unexport()
    exporter.unexport()
    assert server.exporters == []


def test_unexport_does_not_touch_what_came_after_it():
    """An old exporter can't take away the implementation that has its place now."""
    server = facade.Server()
    old = server.export(Greeter, GreeterImpl())
    old.unexport()
    new = server.export(Greeter, GreeterImpl())
    old.unexport()
    assert server.exporters == [new]


def test_export_of_the_same_key_twice():
    """It is refused, names the key, and says what to do."""
    server = facade.Server()
    server.export(Greeter, GreeterImpl())
    with pytest.raises(ValueError, match=r"server\.Greeter:1\.0 is exported already"):
        server.export(Greeter, GreeterImpl())
    server.export(Greeter, GreeterImpl(), version="2.0")
    server.export(Greeter, GreeterImpl(), group="blue")
    assert len(server.exporters) == 3


def test_export_of_a_class():
    """An object is wanted: the error says how to make one."""
    with pytest.raises(TypeError, match=r"GreeterImpl\(\.\.\.\), not the class"):
        facade.Server().export(Greeter, GreeterImpl)


def test_export_of_a_class_without_a_method():
    """The error names the class and the method."""

    class Silent:
        async def hello(self, name: str, *, loud: bool = False) -> str:
            return name

    with pytest.raises(TypeError, match=r"Silent does not implement server\.Greeter\.wait"):
        facade.Server().export(Greeter, Silent())


def test_export_of_a_class_that_inherits_a_stub():
    """What the interface itself has is no implementation."""

    class Silent(Greeter):
        async def wait(self) -> str:
            return "done"

    with pytest.raises(TypeError, match=r"Silent does not implement server\.Greeter\.hello"):
        facade.Server().export(Greeter, Silent())


@pytest.mark.parametrize("wrong", ["fewer", "more", "renamed keyword"])
def test_export_of_a_method_with_another_signature(wrong):
    """It can't be called as the interface says: the error names it."""

    class Wrong(GreeterImpl):
        if wrong == "fewer":

            async def hello(self) -> str:  # type: ignore[override]
                return ""

        elif wrong == "more":

            async def hello(self, name: str, title: str, *, loud: bool = False) -> str:  # type: ignore[override]
                return ""

        else:

            async def hello(self, name: str, *, noisy: bool = False) -> str:  # type: ignore[override]
                return ""

    with pytest.raises(TypeError, match=r"Wrong\.hello can't be called as server\.Greeter\.hello"):
        facade.Server().export(Greeter, Wrong())


def test_export_of_an_attribute_that_is_no_method():
    """A value of that name is not an implementation."""

    class Wrong(GreeterImpl):
        wait = "a value"  # type: ignore[assignment]

    with pytest.raises(TypeError, match=r"does not implement server\.Greeter\.wait"):
        facade.Server().export(Greeter, Wrong())


def test_failed_export_leaves_nothing():
    """After an error the key is free."""
    server = facade.Server()
    with pytest.raises(TypeError):
        server.export(Greeter, object())
    assert server.exporters == []
    server.export(Greeter, GreeterImpl())


def test_export_of_the_interface_s_own_object():
    """A class may be interface and implementation in one."""

    @facade.service("server.Own")
    class Own:
        async def hello(self) -> str:
            return "Hello"

    server = facade.Server()
    server.export(Own, Own())
    assert [exporter.service.key for exporter in server.exporters] == ["server.Own"]
