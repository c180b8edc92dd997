"""Providers, and what a consumer asks for."""

import pytest

from facade.registry import Provider
from facade.registry.wanted import Wanted


@pytest.mark.parametrize("address", ["", "a", ":1", "a:", "a:0", "a:65536", "a:b", "::1:5", "a:²"])
def test_address_is_checked(address):
    """What can't be called is no provider."""
    with pytest.raises(ValueError, match=r"is not host:port|in brackets"):
        Provider(address)


def test_weight_is_checked():
    """A weight below nothing is an error."""
    with pytest.raises(ValueError, match="weight of a:1 is -1"):
        Provider("a:1", weight=-1)


@pytest.mark.parametrize(
    "facts",
    [
        {"weight": 10**400},
        {"weight": 2**31},
        {"warmup": 1e300},
        {"warmup": float("inf")},
        {"warmup": float("nan")},
        {"started": float("nan")},
        {"started": float("-inf")},
    ],
)
def test_facts_that_nothing_can_be_reckoned_with(facts):
    """One such provider would fail the calls of all others: it is none."""
    (name,) = facts
    with pytest.raises(ValueError, match=f"{name} of a:1 is"):
        Provider("a:1", **facts)


def test_facts():
    """Its key is that of the service, its tag what Dubbo calls so; it can be a key itself."""
    provider = Provider("[::1]:1", "demo.A", "g", "1", parameters={"dubbo.tag": "gray"})
    assert (provider.key, provider.tag) == ("g/demo.A:1", "gray")
    assert provider in {provider}


@pytest.mark.parametrize(
    ("key", "taken"),
    [
        ("demo.A", ["demo.A"]),
        ("g/demo.A:1", ["g/demo.A:1"]),
        ("*/demo.A:*", ["demo.A", "g/demo.A:1"]),
        ("*", ["demo.A", "g/demo.A:1", "demo.B:1"]),
        ("demo.C", []),
    ],
)
def test_who_is_asked_for(key, taken):
    """Group and version are exact, unless "*" says any."""
    there = [
        Provider("a:1", "demo.A"),
        Provider("a:1", "demo.A", "g", "1"),
        Provider("a:1", "demo.B", "", "1"),
    ]
    wanted = Wanted.parse(key)
    assert wanted.key == key
    assert [p.key for p in there if wanted.takes(p)] == taken
    assert wanted.takes(Provider("a:1"))  # a mere address


@pytest.mark.parametrize("key", ["", "/demo.A", "demo.A:", ":1", "g/"])
def test_bad_keys(key):
    """A key without a name, or with an empty part, is an error."""
    with pytest.raises(ValueError, match=r"is not \[group/\]service"):
        Wanted.parse(key)
