"""Providers as URLs of Dubbo."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facade.registry import Provider
from facade.registry.dubbo_url import (
    OWN,
    UnknownProtocol,
    consumer_url,
    decoded,
    encoded,
    provider_url,
    read_provider,
)
from facade.registry.wanted import Wanted

# What Dubbo 3.3.6 has written.
JAVA = (
    "tri://192.0.2.2:38883/demo.PetStore?application=dubbo-petstore&deprecated=false&dubbo=2.0.2"
    "&dynamic=true&generic=false&group=north&interface=demo.PetStore&methods=adopt,nap"
    "&nap.timeout=500&prefer.serialization=hessian2,fastjson2&proxy=nativestub&release=3.3.6"
    "&side=provider&timeout=2000&timestamp=1795257671697&version=1.0.0&weight=50&dubbo.tag=gray"
)


def test_provider_of_java():
    """All that Dubbo says is found in its place; the rest are parameters."""
    assert read_provider(JAVA) == Provider(
        "192.0.2.2:38883",
        "demo.PetStore",
        "north",
        "1.0.0",
        weight=50,
        warmup=600.0,
        started=1795257671.697,
        application="dubbo-petstore",
        timeout=2.0,
        timeouts={"nap": 0.5},
        methods=("adopt", "nap"),
        exchange=False,
        parameters={
            "dubbo.tag": "gray",
            "prefer.serialization": "hessian2,fastjson2",
            "proxy": "nativestub",
        },
    )


@pytest.mark.parametrize("parameter", ["enabled=false", "disabled=true"])
def test_disabled_provider(parameter):
    """One that was switched off in the registry is none."""
    assert read_provider(f"{JAVA}&{parameter}") is None


def test_other_protocols():
    """A provider that can't be called from here is told apart from a broken URL."""
    with pytest.raises(UnknownProtocol, match=r"^dubbo$"):
        read_provider("dubbo://10.0.0.1:20880/demo.PetStore?interface=demo.PetStore")


_HUGE = "9" * 400


@pytest.mark.parametrize(
    "url",
    [
        *("", "tri", "tri://", "tri://a/b", "tri://a:1/b?weight=x"),
        *(f"tri://a:1/b?{name}={_HUGE}" for name in ("weight", "warmup", "timestamp", "timeout")),
        f"tri://a:1/b?hello.timeout={_HUGE}",
    ],
)
def test_broken_urls(url):
    """What is no provider is a ValueError, and nothing else."""
    with pytest.raises(ValueError, match=r"."):
        read_provider(url)


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (Provider("a:1"), "names no service"),
        (Provider("a:1", "demo.A", application="a&b"), "application='a&b'"),
        (Provider("a:1", "demo.A", parameters={"x=y": "z"}), "x=y="),
    ],
)
def test_what_can_not_be_written(provider, said):
    """It is an error where it is registered, not a riddle where it is read."""
    with pytest.raises(ValueError, match=said):
        provider_url(provider)


def test_own_protocol():
    """As facade:// a provider is hidden from Dubbo's consumers, and speaks the Exchange."""
    provider = Provider("a:1", "demo.A")
    url = provider_url(provider, OWN)
    assert url.startswith("facade://a:1/demo.A?")
    assert read_provider(url) == provider


def test_consumer():
    """A consumer is written with what it asks for."""
    url = consumer_url(Wanted("demo.A", "g", "1"), "10.0.0.1", "shop")
    assert url.startswith("consumer://10.0.0.1/demo.A?application=shop&category=consumers&")
    assert "&group=g&interface=demo.A&" in url


words = st.text("abcXYZ019._-äß€/:?#+% ", min_size=1)
plain = st.text("abcXYZ019._", min_size=1)
seconds = st.integers(1, 10**9).map(lambda ms: ms / 1000)


@given(
    st.builds(
        Provider,
        address=st.sampled_from(["a:1", "10.0.0.1:65535", "[::1]:5"]),
        service=plain,
        group=words | st.just(""),
        version=words | st.just(""),
        weight=st.integers(0, 1000),
        warmup=st.just(0.0) | seconds,
        started=st.just(0.0) | seconds,
        application=words | st.just(""),
        timeout=st.none() | seconds,
        timeouts=st.dictionaries(st.text("abc", min_size=1), seconds),
        methods=st.lists(st.text("abc_", min_size=1)).map(tuple),
        exchange=st.booleans(),
        parameters=st.dictionaries(st.text("abc", min_size=1).map("x-{}".format), words),
    )
)
def test_round_trip(provider):
    """A provider of ours is read as it was announced, through the name of a node."""
    name = encoded(provider_url(provider))
    assert "/" not in name
    assert read_provider(decoded(name)) == provider
