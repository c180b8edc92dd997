import pytest

from facade.core import Invocation


@pytest.mark.parametrize(
    ("group", "version", "key"),
    [
        ("", "", "demo.Greeter"),
        ("blue", "", "blue/demo.Greeter"),
        ("", "1.0.0", "demo.Greeter:1.0.0"),
        ("blue", "1.0.0", "blue/demo.Greeter:1.0.0"),
    ],
)
def test_service_key_is_dubbos(group, version, key):
    """A service is named with its group and version, and a call with its method besides."""
    invocation = Invocation("demo.Greeter", "hello", group=group, version=version)
    assert invocation.service_key == key
    assert str(invocation) == f"{key}.hello"


@pytest.mark.parametrize(
    ("arguments", "keywords", "counted"),
    [
        ((), None, "0 arguments"),
        (("secret",), None, "1 argument"),
        (("secret",), {"password": "secret"}, "2 arguments"),
    ],
)
def test_repr_counts_arguments_and_keeps_them_secret(arguments, keywords, counted):
    """What lands in a log has no argument in it."""
    invocation = Invocation("demo.Greeter", "hello", arguments, keywords)
    assert repr(invocation) == f"<Invocation demo.Greeter.hello with {counted}>"


def test_each_call_has_notes_and_attachments_of_its_own():
    """What a filter writes for one call is not seen by another."""
    one, other = Invocation("s", "m"), Invocation("s", "m")
    one.attributes["seen"] = True
    one.attachments["trace"] = "1"
    assert one.attributes == {"seen": True}
    assert (other.attributes, other.attachments) == ({}, {})


def test_attachments_are_those_that_were_given():
    """Filters change the caller's dictionary in place, not a copy."""
    attachments = {"trace": "1"}
    assert Invocation("s", "m", attachments=attachments).attachments is attachments


def test_nothing_is_known_of_a_call_that_was_not_sent():
    """A new invocation has no limit, no addresses, no interface and waits for its answer."""
    invocation = Invocation("s", "m")
    assert (invocation.timeout, invocation.countdown, invocation.method) == (None, None, None)
    assert (invocation.local_address, invocation.remote_address) == ("", "")
    assert not invocation.oneway


def test_copy_is_the_same_call_with_notes_of_its_own():
    """What one attempt writes down is not seen by another beside it."""
    call = Invocation("s", "m", ("Ann",), attachments={"trace": "1"}, timeout=2.0)
    call.attributes["seen"] = 1
    call.outcome = "a future"
    twin = call.copy()
    twin.attributes["seen"] = twin.attachments["trace"] = "2"
    twin.remote_address = "elsewhere"
    assert (twin.service, twin.name, twin.arguments, twin.timeout) == ("s", "m", ("Ann",), 2.0)
    assert (call.attributes, call.attachments) == ({"seen": 1}, {"trace": "1"})
    assert (call.remote_address, twin.outcome) == ("", None)
