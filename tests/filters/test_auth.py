import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

import facade
from facade.core import Code, FilterSettings, LimitExceeded, RpcError, Sent, Status
from facade.filters.auth_sign import NAMES, AuthSign
from facade.filters.auth_verify import DISORDER, AuthVerify, Seen
from facade.testing import FakeInvoker, connected, invocation, serving

KEY = b"a secret of the shop"


class Clock:
    now = 1_700_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sign(clock):
    return AuthSign("shop", KEY, clock=clock)


@pytest.fixture
def verify(clock):
    return AuthVerify({"shop": KEY, "old": b"another"}, clock=clock)


async def signed(sign, call=None):
    call = call or invocation("hello", "Ann")
    await sign.invoke(FakeInvoker(), call)
    return call


def received(call, **changes):
    """The same call, as it comes to a provider."""
    facts = {
        "service": call.service,
        "group": call.group,
        "version": call.version,
        "attachments": call.attachments,
    }
    name = changes.pop("name", call.name)
    return invocation(name, *call.arguments, **{**facts, **changes})


async def refused(verify, call, told=None):
    rest = FakeInvoker()
    with pytest.raises(RpcError, match=told) as caught:
        await verify.invoke(rest, call)
    error = caught.value
    assert (error.code, error.status) == (Code.AUTHORIZATION, Status.UNAUTHENTICATED)
    assert error.sent is Sent.NOT_EXECUTED
    assert not rest.invocations
    return str(error)


@pytest.mark.behaviour("B3.45", "B3.46")
async def test_signed_call_is_taken(sign, verify):
    """Who signs with a known key gets in, and is known inside by its id."""
    call = received(await signed(sign))
    with serving(call) as request:
        await verify.invoke(FakeInvoker(), call)
    assert call.attributes["auth_key_id"] == "shop"
    assert request.values["auth_key_id"] == "shop"


async def test_signature_goes_no_further(sign, verify):
    """What the method sees, and what its calls forward, has no trace of it."""
    call = received(await signed(sign, invocation("hello", attachments={"trace": "1"})))
    with serving(call) as request:
        await verify.invoke(FakeInvoker(), call)
    assert call.attachments == request.attachments == {"trace": "1"}


@pytest.mark.behaviour("B3.46")
@pytest.mark.parametrize("missing", [*NAMES, None])
async def test_unsigned_call_is_refused(sign, verify, missing):
    """Without all parts of a signature nothing gets in, and the error says what to set."""
    call = received(await signed(sign))
    if missing is None:
        call.attachments.clear()
    else:
        del call.attachments[missing]
    await refused(verify, call, "auth_key_id and auth_secret")


@pytest.mark.behaviour("B3.46")
@pytest.mark.parametrize(
    "change",
    [{"service": "a.B"}, {"name": "bye"}, {"group": "g"}, {"version": "2"}],
    ids=lambda change: next(iter(change)),
)
async def test_signature_is_for_one_method(sign, verify, change):
    """It can't be used for another service, group, version or method."""
    call = received(await signed(sign), **change)
    assert KEY.decode() not in await refused(verify, call, "signature is wrong")


@given(st.sampled_from(NAMES), st.text() | st.binary())
async def test_changed_parts_are_refused(name, value):
    """Whatever else stands in an attachment of the signature, it is an orderly refusal."""
    clock = Clock()
    call = await signed(AuthSign("shop", KEY, clock=clock))
    if call.attachments[name] == value:
        return
    call.attachments[name] = value
    await refused(AuthVerify({"shop": KEY, "old": KEY}, clock=clock), call)


async def test_wrong_secret_and_unknown_key_look_alike(clock, verify):
    """A stranger does not learn which ids there are."""
    wrong = received(await signed(AuthSign("shop", b"wrong", clock=clock)))
    unknown = received(await signed(AuthSign("shup", KEY, clock=clock)))
    assert await refused(verify, wrong) == await refused(verify, unknown)


async def test_keys_rotate(clock, verify):
    """All keys of the provider are good at the same time."""
    await verify.invoke(FakeInvoker(), received(await signed(AuthSign("shop", KEY, clock=clock))))
    old = received(await signed(AuthSign("old", "another", clock=clock)))
    await verify.invoke(FakeInvoker(), old)


# Replay


async def test_call_is_good_once(sign, verify):
    """The same bytes again are refused; the next call is not."""
    call = await signed(sign)
    again = received(call, attachments=dict(call.attachments))
    await verify.invoke(FakeInvoker(), received(call))
    await refused(verify, again, "came before")
    await verify.invoke(FakeInvoker(), received(await signed(sign)))


@pytest.mark.parametrize("off", [-61, 61])
async def test_call_out_of_the_window_is_refused(clock, sign, verify, off):
    """One that was signed long ago, or by a clock that is ahead, is refused."""
    call = received(await signed(sign))
    clock.now += off
    await refused(verify, call, "auth_window is 60 s")


async def test_calls_may_come_in_another_order(sign, verify):
    """Calls that overtake each other are all taken."""
    calls = [received(await signed(sign)) for _ in range(10)]
    for call in reversed(calls):
        await verify.invoke(FakeInvoker(), call)


async def test_forked_process_signs_as_another_client(sign, verify, monkeypatch):
    """Its numbers would be taken for repetitions of its parent's."""
    first = received(await signed(sign))
    monkeypatch.setattr(os, "getpid", lambda: -1)
    second = received(await signed(sign))
    sessions = {call.attachments["auth-nonce"].split("-")[0] for call in (first, second)}
    assert len(sessions) == 2


@given(st.lists(st.integers(0, 3 * DISORDER) | st.integers(0, 20)))
def test_seen_tells_what_is_new(numbers):
    """It never takes a number twice, and takes each that is not far behind."""
    seen, taken = Seen(10, 60), set()
    for number in numbers:
        new = number not in taken and number > max(taken, default=0) - DISORDER
        assert seen.is_new("a", number, 0) is new
        taken.add(number)


def test_seen_is_bounded_and_forgets_the_silent():
    """One client too many is refused, until another one has been silent for long enough."""
    seen = Seen(2, 60)
    assert seen.is_new("a", 1, 0)
    assert seen.is_new("b", 1, 50)
    with pytest.raises(LimitExceeded, match="auth_sessions=2"):
        seen.is_new("c", 1, 60)
    assert not seen.is_new("a", 1, 60)
    assert seen.is_new("c", 1, 111)
    assert not seen.is_new("a", 1, 111)


# Configured


async def test_methods_say_for_themselves(clock):
    """One method is open, another has keys of its own, the rest has those of the service."""
    own = {"status": {"auth_keys": None}, "pay": {"auth_keys": {"bank": b"b"}}}
    verify = AuthVerify.configure(FilterSettings({"auth_keys": {"shop": KEY}}, own))
    await verify.invoke(FakeInvoker(), invocation("status"))
    await refused(verify, invocation("hello"))
    shop = AuthSign("shop", KEY)
    await verify.invoke(FakeInvoker(), received(await signed(shop)))
    await refused(verify, received(await signed(shop, invocation("pay"))))
    await refused(verify, received(await signed(shop, invocation("$invoke", "pay", None, None))))


async def test_consumer_signs_by_method():
    """A method has a key of its own, or none."""
    own = {"status": {"auth_secret": None}, "pay": {"auth_key_id": "bank"}}
    sign = AuthSign.configure(FilterSettings({"auth_key_id": "shop", "auth_secret": KEY}, own))
    ids = [
        (await signed(sign, invocation(name))).attachments.get("auth-key-id")
        for name in ("hello", "status", "pay")
    ]
    assert ids == ["shop", None, "bank"]


@pytest.mark.parametrize(
    "settings", [FilterSettings(), FilterSettings({}, {"open": {"auth_keys": None}})]
)
async def test_nothing_set_is_closed(settings):
    """Named in filters= without keys, it takes no call."""
    verify = AuthVerify.configure(settings)
    await refused(verify, received(await signed(AuthSign("shop", KEY))))


@pytest.mark.parametrize(
    "make",
    [
        lambda: AuthSign("", "hidden"),
        lambda: AuthSign("shop", ""),
        lambda: AuthSign("shop", ["hidden"]),
        lambda: AuthVerify({"shop": ""}),
        lambda: AuthVerify(["hidden"]),
        lambda: AuthVerify({"shop": KEY}, window=0),
        lambda: AuthVerify({"shop": KEY}, sessions=0),
        lambda: facade.AsyncClient("localhost:1", filter_settings={"auth_secret": ["hidden"]}),
        lambda: facade.Server(filter_settings={"auth_keys": ["hidden"]}),
    ],
)
def test_wrong_settings_are_told_without_secrets(make):
    """The error says what to give, and shows nothing of what was given."""
    with pytest.raises((TypeError, ValueError)) as caught:
        make()
    assert "auth_" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_secrets_are_not_shown():
    """Neither end prints more than the filter's name."""
    client = facade.AsyncClient(
        "localhost:1", filter_settings={"auth_key_id": "shop", "auth_secret": "hidden"}
    )
    assert repr(client.invoker).startswith("consumer_context -> auth_sign ->")
    assert "hidden" not in repr([client, AuthVerify({"shop": "hidden"})])


@facade.service("test.Shop")
class Shop:
    async def hello(self) -> str: ...


class ShopImpl(Shop):
    async def hello(self):
        assert not facade.RpcContext.server_attachments()
        return facade.RpcContext.values()["auth_key_id"]


@pytest.mark.parametrize("said", [{"auth_window": 30}, {"auth_sessions": 5}])
async def test_a_window_without_keys_is_an_error(said):
    """Nobody believes to be guarded who is not; one method with keys, or the word, is enough."""
    server = facade.Server(filter_settings=said)
    with pytest.raises(ValueError, match=r'give auth_keys, or .* filters=\["-auth_verify"\]'):
        server.export(Shop, ShopImpl())
    keys = {"shop": KEY}
    own = next(name for name in vars(Shop) if not name.startswith("_"))
    guarded = server.export(Shop, ShopImpl(), methods={own: {"auth_keys": keys}})
    assert "auth_verify" in repr(guarded.invoker)
    guarded.unexport()
    assert "auth" not in repr(server.export(Shop, ShopImpl(), filters=["-auth_verify"]).invoker)


async def test_both_ends():
    """Over the wire: who has the key is served, who has none is not."""
    ends = {"server_filters": ["default", AuthVerify({"shop": KEY})], "timeout": 10}
    settings = {"auth_key_id": "shop", "auth_secret": KEY}
    async with connected((Shop, ShopImpl()), filter_settings=settings, **ends) as client:
        assert await client.refer(Shop).hello() == "shop"
    async with connected((Shop, ShopImpl()), **ends) as client:
        with pytest.raises(RpcError) as caught:
            await client.refer(Shop).hello()
    assert (caught.value.status, caught.value.remote) == (Status.UNAUTHENTICATED, True)
