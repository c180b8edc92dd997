"""The token: what a provider asks for, at its side."""

import logging

import pytest

import facade
from facade.core.settings import FilterSettings
from facade.filters.token import Token
from facade.testing import FakeInvoker, invocation


@facade.service("token.Greeter")
class Greeter:
    async def hello(self, name: str) -> str: ...
    async def ping(self) -> None: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        return f"Hello {name}, {dict(facade.RpcContext.server_attachments())}"

    async def ping(self) -> None: ...


async def ask(filter, *given, name="hello"):
    rest = FakeInvoker("let in")
    call = invocation(name, attachments={"token": given[0]} if given else {})
    return (await filter.invoke(rest, call)).value


@pytest.mark.behaviour("B3.21")
@pytest.mark.parametrize("given", ["s3cret", b"s3cret"])
async def test_right_token(given):
    """Who brings it is let in; text and bytes are one."""
    assert await ask(Token(token="s3cret"), given) == "let in"


@pytest.mark.behaviour("B3.21")
@pytest.mark.parametrize("given", [(), ("",), ("wrong",), ("s3cre",), ("s3cret ",), ("ü\x00",)])
async def test_wrong_token(given):
    """Any other is refused before the method ran, and no token is told in the text."""
    rest = FakeInvoker()
    call = invocation("hello", "Ann", attachments={"token": given[0]} if given else {})
    with pytest.raises(facade.RpcError, match=r"test\.Service\.hello asks for a token") as caught:
        await Token(token="s3cret").invoke(rest, call)
    error = caught.value
    assert rest.invocations == []
    assert (error.code, error.status) == (facade.Code.FORBIDDEN, facade.Status.UNAUTHENTICATED)
    assert error.sent is facade.Sent.NOT_EXECUTED
    assert "s3cret" not in str(error)
    assert "wrong" not in str(error)
    assert ("none came" if given in ((), ("",)) else "another came") in str(error)


async def test_token_beyond_ascii():
    """A token is any text."""
    assert await ask(Token(token="Schlüssel"), "Schlüssel") == "let in"


async def test_several_while_one_is_replaced():
    """Each of a list will do, and nothing else."""
    filter = Token(token=["new", "old"])
    assert await ask(filter, "new") == await ask(filter, "old") == "let in"
    with pytest.raises(facade.RpcError):
        await ask(filter, "newold")


async def test_all_tokens_are_compared_in_constant_time(monkeypatch):
    """With hmac, and each of them: the time tells neither how much fits, nor which one."""
    compared = []

    def compare(given, token):
        compared.append(token)
        return given == token

    monkeypatch.setattr("facade.filters.token.hmac.compare_digest", compare)
    assert await ask(Token(token=["new", "old"]), "new") == "let in"
    assert compared == [b"new", b"old"]


@pytest.mark.parametrize(("name", "token"), [("hello", "own"), ("other", "all"), ("ping", None)])
async def test_by_method(name, token):
    """A method may ask for a token of its own, or for none."""
    settings = FilterSettings({"token": "all"}, {"hello": {"token": "own"}, "ping": {"token": ""}})
    filter = Token.configure(settings)
    if token is None:
        assert await ask(filter, name=name) == "let in"
        return
    assert await ask(filter, token, name=name) == "let in"
    with pytest.raises(facade.RpcError):
        await ask(filter, "all" if token == "own" else "own", name=name)


@pytest.mark.parametrize(
    ("token", "error"),
    [("", ValueError), ([], ValueError), (["a", ""], ValueError), ([1], TypeError)],
)
def test_bad_configuration(token, error):
    """What would let everybody in, or nobody, is an error where it is written."""
    with pytest.raises(error, match="token"):
        Token(token=token)


@pytest.mark.parametrize("token", [True, 5, None])
def test_setting_of_another_kind(token):
    """``token=True`` is Dubbo's for a registry, and not taken here."""
    with pytest.raises(TypeError, match="token"):
        facade.Server().export(Greeter, GreeterImpl(), token=token)


def test_no_token_no_filter():
    """It switches itself on where a token is set, and only there."""
    server = facade.Server()
    assert "token ->" not in repr(server.export(Greeter, GreeterImpl()).invoker)
    other = server.export(Greeter, GreeterImpl(), group="a", token="s3cret")
    assert "exception -> token -> timeout" in repr(other.invoker)
    assert "s3cret" not in repr(other)


@pytest.mark.behaviour("B3.21", "B3.22", "B3.7")
async def test_both_ends(caplog):
    """With the token at both ends calls go through, and methods do not see it. The error of a
    caller without it comes back with its code, and no log tells the token."""
    caplog.set_level(logging.DEBUG)
    server = facade.Server("injvm:test-token")
    server.export(Greeter, GreeterImpl(), token="s3cret", methods={"ping": {"token": ""}})
    async with server, facade.AsyncClient("injvm:test-token", timeout=10.0) as client:
        assert await client.refer(Greeter, token="s3cret").hello("Ann") == "Hello Ann, {}"
        stranger = client.refer(Greeter)
        await stranger.ping()
        for call in (stranger.hello("Eve"), client.generic("token.Greeter").echo()):
            with pytest.raises(facade.RpcError, match="none came") as caught:
                await call
            assert caught.value.code is facade.Code.FORBIDDEN
            assert caught.value.status is facade.Status.UNAUTHENTICATED
            assert caught.value.sent is facade.Sent.NOT_EXECUTED
    assert "s3cret" not in caplog.text


@pytest.mark.behaviour("B3.22")
def test_blocking_client():
    """Its filters run on the threads that call."""
    from facade.consumer.engine import engine

    server = facade.Server("injvm:test-token-blocking", filter_settings={"token": "s3cret"})
    server.export(Greeter, GreeterImpl())
    engine().submit(server.start).result()
    settings = {"token": "s3cret"}
    try:
        with facade.Client(server.address, filter_settings=settings, timeout=10.0) as client:
            assert client.generic("token.Greeter").echo() == "OK"
            assert client.generic("token.Greeter").invoke("hello", "Ann") == "Hello Ann, {}"
    finally:
        engine().submit(server.stop).result()
