"""The token: what a consumer sends. Both ends together are in test_token.py."""

import pytest

import facade
from facade.core.settings import FilterSettings
from facade.filters.consumer_token import ConsumerToken
from facade.testing import FakeInvoker, invocation


@facade.service("token.Greeter")
class Greeter:
    async def hello(self, name: str) -> str: ...


async def sent(filter, name="hello", **attachments):
    call = invocation(name, attachments=attachments)
    assert (await filter.invoke(FakeInvoker("answer"), call)).value == "answer"
    return call.attachments


@pytest.mark.behaviour("B3.22")
async def test_token_goes_with_the_call():
    """As the attachment that the provider looks for."""
    assert await sent(ConsumerToken(token="s3cret"), trace="1") == {"token": "s3cret", "trace": "1"}


async def test_token_of_the_call_itself():
    """What the caller attached goes before it."""
    assert await sent(ConsumerToken(token="s3cret"), token="mine") == {"token": "mine"}


@pytest.mark.parametrize(
    ("name", "token"),
    [("hello", {"token": "own"}), ("ping", {}), ("other", {"token": "all"})],
)
async def test_by_method(name, token):
    """A method may have a token of its own, or none."""
    settings = FilterSettings({"token": "all"}, {"hello": {"token": "own"}, "ping": {"token": ""}})
    assert await sent(ConsumerToken.configure(settings), name) == token


def test_bad_configuration():
    """No token is an error, and so are several: which one should it send?"""
    with pytest.raises(ValueError, match="no token"):
        ConsumerToken()
    client = facade.AsyncClient("injvm:nowhere")
    with pytest.raises(TypeError, match="one token"):
        client.refer(Greeter, token=["new", "old"])


def test_on_where_a_token_is_set():
    """For a reference, or for the whole client; a blocking one stays on its threads."""
    assert "token" not in repr(facade.AsyncClient("injvm:nowhere").invoker)
    client = facade.Client("injvm:nowhere", filter_settings={"token": "s3cret"})
    assert "consumer_context -> consumer_token -> " in repr(client.invoker)
    assert not ConsumerToken.needs_loop
    assert "s3cret" not in repr(client)
