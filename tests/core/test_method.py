import pytest

from facade.core import InvokeMode, Method, Parameter, Service
from facade.core.method import service_key


@pytest.mark.parametrize(
    ("group", "version", "key"),
    [
        ("", "", "demo.Greeter"),
        ("blue", "", "blue/demo.Greeter"),
        ("", "2", "demo.Greeter:2"),
        ("blue", "2", "blue/demo.Greeter:2"),
    ],
)
def test_service_key_has_group_and_version(group, version, key):
    """The key is Dubbo's: [group/]name[:version]."""
    assert service_key("demo.Greeter", group, version) == key
    assert Service("demo.Greeter", {}, group, version).key == key


def test_method_is_named_with_its_service():
    """A method reads as it is found in messages."""
    assert str(Method("demo.Greeter", "hello", (), str)) == "demo.Greeter.hello"


def test_method_is_careful_unless_told():
    """A method waits for its answer, is not sent twice, and is left to finish."""
    method = Method("s", "m", (), None)
    assert method.mode is InvokeMode.ASYNC
    assert not any((method.oneway, method.idempotent, method.cancel_on_timeout))
    assert method.timeout is None


@pytest.mark.parametrize(
    "thing", [Parameter("a", int), Method("s", "m", (), None), Service("s", {})]
)
def test_description_does_not_change(thing):
    """What was read off an interface is shared by all calls, so nobody can change it."""
    with pytest.raises(AttributeError):
        thing.name = "other"


def test_repr_of_a_service_is_short():
    """A service shows its name, not all its methods."""
    service = Service("s", {"m": Method("s", "m", (), None)}, summary="Long text.")
    assert "methods" not in repr(service)
    assert "Long text" not in repr(service)
