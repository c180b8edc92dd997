import math
import time

import jwt
import pytest

import facade
from facade.core import Code, FilterSettings, RpcError, Sent, Status
from facade.filters.bearer import Bearer
from facade.filters.bearer_verify import BearerVerify
from facade.testing import FakeInvoker, connected, invocation, serving

KEY = "a key that is long enough " * 3
HS = {"jwt_key": KEY, "jwt_algorithms": ["HS256"]}


def token(key=KEY, algorithm="HS256", headers=None, **claims):
    claims = {"sub": "ann", "exp": time.time() + 1000, **claims}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def call(token=None, name="hello", *arguments):
    attachments = {} if token is None else {"authorization": f"Bearer {token}"}
    return invocation(name, *arguments, attachments=attachments)


async def refused(verify, made, told=None):
    rest = FakeInvoker()
    with pytest.raises(RpcError, match=told) as caught:
        await verify.invoke(rest, made)
    error = caught.value
    assert (error.code, error.status) == (Code.AUTHORIZATION, Status.UNAUTHENTICATED)
    assert error.sent is Sent.NOT_EXECUTED
    assert not rest.invocations
    return str(error)


# At the consumer


async def give():
    return "abc"


@pytest.mark.parametrize(("source", "loop"), [("abc", False), (lambda: "abc", False), (give, True)])
async def test_token_goes_along(source, loop):
    """A text, what a function gives, or what it gives later; only that needs an event loop."""
    made, bearer = call(), Bearer(source)
    await bearer.invoke(FakeInvoker(), made)
    assert made.attachments == {"authorization": "Bearer abc"}
    assert bearer.needs_loop is loop
    assert "abc" not in repr(bearer)


async def test_token_is_asked_for_each_call():
    """So that it can be renewed."""
    tokens = iter("ab")
    bearer = Bearer(lambda: next(tokens))
    first, second = call(), call()
    await bearer.invoke(FakeInvoker(), first)
    await bearer.invoke(FakeInvoker(), second)
    assert second.attachments["authorization"] == "Bearer b"


@pytest.mark.parametrize("source", [lambda: None, lambda: 1 / 0, lambda: "a\nb"])
async def test_no_token_no_call(source):
    """Where the function fails, or gives what is no token, nothing is sent."""
    rest = FakeInvoker()
    with pytest.raises(RpcError, match="gave no token") as caught:
        await Bearer(source).invoke(rest, call())
    assert (caught.value.code, caught.value.sent) == (Code.AUTHORIZATION, Sent.NOT_SENT)
    assert not rest.invocations


async def test_methods_say_for_themselves():
    """A method has a token of its own, or none."""
    own = {"status": {"bearer": None}, "pay": {"bearer": "p"}}
    bearer = Bearer.configure(FilterSettings({"bearer": "s"}, own))
    sent = []
    for name in ("hello", "status", "pay"):
        made = call(None, name)
        await bearer.invoke(FakeInvoker(), made)
        sent.append(made.attachments.get("authorization"))
    assert sent == ["Bearer s", None, "Bearer p"]


# At the provider


async def test_claims_are_found_inside():
    """The method finds them in its context, and filters in the attributes; the token is gone."""
    made = call(token())
    with serving(made) as request:
        await BearerVerify(**HS).invoke(FakeInvoker(), made)
    assert made.attributes["claims"]["sub"] == "ann"
    assert request.values["claims"]["sub"] == "ann"
    assert made.attachments == request.attachments == {}


@pytest.mark.parametrize(
    "bad",
    [
        "nonsense",
        "",
        token(key=KEY + "x"),
        token(exp=1),
        token(exp=None),
        token(nbf=time.time() + 1000),
        token(aud="other"),
        token(key=None, algorithm="none"),
        token(algorithm="HS512"),
    ],
    ids=["text", "empty", "key", "late", "endless", "early", "audience", "none", "algorithm"],
)
async def test_bad_token_is_refused(bad, caplog):
    """It is told why by kind; the token stands neither in the error nor in a log."""
    caplog.set_level(0)
    text = await refused(BearerVerify(**HS), call(bad))
    assert not bad or (bad not in text and bad not in caplog.text)


async def test_audience_and_issuer_are_checked():
    """They must be there and be the right ones."""
    verify = BearerVerify(**HS, jwt_audience="shop", jwt_issuer="us")
    await verify.invoke(FakeInvoker(), call(token(aud="shop", iss="us")))
    for claims in ({}, {"aud": "shop"}, {"iss": "us"}, {"aud": "shop", "iss": "them"}):
        await refused(verify, call(token(**claims)))


async def test_keys_rotate_by_kid():
    """A dict has keys by their ids; an unknown one is refused."""
    verify = BearerVerify(jwt_key={"new": KEY, "old": KEY + "o"}, jwt_algorithms=["HS256"])
    await verify.invoke(FakeInvoker(), call(token(headers={"kid": "new"})))
    await verify.invoke(FakeInvoker(), call(token(KEY + "o", headers={"kid": "old"})))
    for headers in ({"kid": "old"}, {"kid": "x"}, None):
        await refused(verify, call(token(headers=headers)))


@pytest.mark.parametrize("header", [None, "Basic abc", "Bearer", b"Bearer abc"])
async def test_call_without_a_token_is_refused(header):
    """The error says what to set."""
    made = invocation(attachments={} if header is None else {"authorization": header})
    await refused(BearerVerify(lambda token: {}), made, "set bearer=")


async def test_function_verifies():
    """It gives claims; None, False and exceptions refuse. It may be async."""

    async def verify(token):
        if token == "broken":
            raise ValueError(token)
        return {"good": {"sub": "ann"}, "empty": {}, "false": False}.get(token)

    guard = BearerVerify(verify)
    for good in ("good", "empty"):
        await guard.invoke(FakeInvoker(), call(good))
    for bad in ("broken", "false", "unknown"):
        assert bad not in await refused(guard, call(bad))


async def test_error_of_the_function_is_told():
    """An RpcError that it raises says more."""

    def verify(token):
        raise RpcError("not yours", status=Status.PERMISSION_DENIED)

    with pytest.raises(RpcError, match="not yours"):
        await BearerVerify(verify).invoke(FakeInvoker(), call("t"))


async def test_provider_by_method():
    """One method is open; a generic call of another is not, whatever it is called by."""
    own = {"status": {"jwt_key": None}, "pay": {"jwt_audience": "bank"}}
    verify = BearerVerify.configure(FilterSettings(HS, own))
    await verify.invoke(FakeInvoker(), call(None, "status"))
    await refused(verify, call())
    await verify.invoke(FakeInvoker(), call(token()))
    await refused(verify, call(token(), "pay"))
    await refused(verify, call(token(), "$invoke", "pay", None, []))
    await verify.invoke(FakeInvoker(), call(token(aud="bank"), "pay"))


@pytest.mark.parametrize(
    "settings", [FilterSettings(), FilterSettings({}, {"open": {"jwt_key": None}})]
)
async def test_nothing_set_is_closed(settings):
    """Named in filters= without a setting, it takes no call and says what to set."""
    await refused(BearerVerify.configure(settings), call(token()), "set bearer_verify= or jwt_key=")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Bearer(""),
        lambda: Bearer("hid den"),
        lambda: Bearer(["hidden"]),
        lambda: BearerVerify("hidden"),
        lambda: BearerVerify(jwt_key="hidden"),
        lambda: BearerVerify(jwt_key="hidden", jwt_algorithms="HS256"),
        lambda: BearerVerify(jwt_key="hidden", jwt_algorithms=["none"]),
        lambda: BearerVerify(jwt_key="", jwt_algorithms=["HS256"]),
        lambda: BearerVerify(jwt_key={}, jwt_algorithms=["HS256"]),
        lambda: BearerVerify(print, jwt_key="hidden", jwt_algorithms=["HS256"]),
        lambda: BearerVerify(jwt_key="hidden", jwt_algorithms=["HS265"]),
        lambda: facade.AsyncClient("localhost:1", filter_settings={"bearer": ["hidden"]}),
    ],
)
def test_wrong_settings_are_told_without_secrets(make):
    """The error says what to give, and shows nothing of what was given."""
    with pytest.raises((TypeError, ValueError), match=r"bearer|jwt_") as caught:
        make()
    assert "hid" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("jwt_leeway", math.nan),  # with which no token would ever expire
        ("jwt_leeway", math.inf),
        ("jwt_leeway", -1),
        ("jwt_leeway", "60"),
        ("jwt_audience", ""),
        ("jwt_audience", 7),
        ("jwt_audience", ["shop", 7]),
        ("jwt_issuer", []),
    ],
)
def test_wrong_claims_are_errors_at_once(name, wrong):
    """As an object and by setting alike, and not one for each call."""
    with pytest.raises(ValueError, match=name):
        BearerVerify(**HS, **{name: wrong})
    with pytest.raises(ValueError, match=name):
        BearerVerify.configure(FilterSettings({**HS, name: wrong}))


def test_missing_library_is_named(monkeypatch):
    """Without PyJWT the error says what to install, at the start."""
    monkeypatch.setitem(__import__("sys").modules, "jwt", None)
    with pytest.raises(ImportError, match=r"facade-rpc\[jwt\]"):
        BearerVerify.configure(FilterSettings(HS))


@facade.service("test.Shop")
class Shop:
    async def hello(self) -> str: ...


class ShopImpl(Shop):
    async def hello(self):
        assert not facade.RpcContext.server_attachments()
        return facade.RpcContext.values()["claims"]["sub"]


@pytest.mark.parametrize("key", [{}, {"jwt_key": None}])
@pytest.mark.parametrize(
    "said", [{"jwt_algorithms": ["HS256"]}, {"jwt_audience": "shop"}, {"jwt_issuer": "us"}]
)
async def test_claims_without_a_key_are_an_error(key, said):
    """Nobody believes to be guarded who is not. The key may be elsewhere: of the service where
    the server says the rest, or of one method; and a service is open that says so."""
    server = facade.Server(filter_settings={**said, "jwt_algorithms": ["HS256"]})
    with pytest.raises(ValueError, match=r'give jwt_key, .* filters=\["-bearer_verify"\]'):
        server.export(Shop, ShopImpl(), **key)
    for given in ({"jwt_key": KEY}, {"methods": {"hello": {"jwt_key": KEY}}}):
        exporter = server.export(Shop, ShopImpl(), **given)
        assert "bearer_verify" in repr(exporter.invoker)
        exporter.unexport()
    open_to_all = server.export(Shop, ShopImpl(), filters=["-bearer_verify"])
    assert "bearer" not in repr(open_to_all.invoker)


def test_claims_of_an_interface_concern_the_provider_alone():
    """A consumer has no key, and needs none."""

    @facade.service("demo.Till", jwt_algorithms=["HS256"])
    class Till:
        async def pay(self) -> None: ...

    assert "bearer" not in repr(facade.AsyncClient("localhost:1").refer(Till).pay)


async def test_both_ends():
    """Over the wire: the token goes there, is verified, and who called is known."""
    ends = {"server_filters": ["default", BearerVerify(**HS)], "timeout": 10}
    settings = {"filter_settings": {"bearer": token()}}
    async with connected((Shop, ShopImpl()), **settings, **ends) as client:
        assert await client.refer(Shop).hello() == "ann"
    async with connected((Shop, ShopImpl()), **ends) as client:
        with pytest.raises(RpcError) as caught:
            await client.refer(Shop).hello()
    assert (caught.value.status, caught.value.remote) == (Status.UNAUTHENTICATED, True)
