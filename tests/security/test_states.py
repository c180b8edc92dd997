"""What a peer sends at the wrong time, or twice, or about nothing."""

import asyncio

import pytest
from google.protobuf import empty_pb2  # noqa: F401 - json_format must know it

import facade
from facade import Status
from facade.core.invocation import Invocation
from facade.exchange.calling import call
from facade.exchange.envelope import Envelope
from facade.exchange.reference import method_codec
from facade.service import describe
from tests.security.conftest import Vault, frame, invocation, setup
from tests.security.corpus import EDGES, envelope

UNKNOWN = b"\x9a\x06\x00"  # field 99


def unknown(id):
    made = Envelope(id=id)
    made.MergeFromString(UNKNOWN)
    return made


BREAKS = {
    "setup twice": [setup()],
    "drain twice": [envelope(0, drain={}), envelope(0, drain={})],
    "id used twice": [invocation(1, "wait"), invocation(1, "wait")],
    "id that falls": [invocation(5), invocation(3)],
    "id 0": [invocation(0)],
    "id of the other end": [invocation(2)],
    "call after drain": [envelope(0, drain={}), invocation(1)],
    "item of no call": [envelope(9, item={"end": True})],
    "credit for no call": [envelope(9, credit={"items": 1})],
    "item nobody streams": [invocation(1, "wait"), envelope(1, item={"msgpack": "AQ=="})],
    "item beyond credit": [
        invocation(1, "total", None),
        *[envelope(1, item={"msgpack": "AQ=="})] * 2000,
    ],
    "item of another argument": [
        invocation(1, "total", None),
        envelope(1, item={"argument": 7, "msgpack": "AQ=="}),
    ],
}


@pytest.mark.parametrize("name", BREAKS)
async def test_a_broken_rule_ends_the_stream(joined, name):
    """With INVALID_ARGUMENT, whatever else was under way on it."""
    hostile = await joined()
    await hostile.stream.write(frame(*BREAKS[name]))
    assert await hostile.status() is Status.INVALID_ARGUMENT
    await hostile.connection.closed.wait()


HARMLESS = {
    "answer to an unknown id": [envelope(2, result={"msgpack": "AQ=="})],
    "answer to a huge id": [envelope(2**64 - 2, result={"msgpack": "AQ=="})],
    "answer to an id of his own": [envelope(7, result={"msgpack": "AQ=="})],
    "cancel of no call": [envelope(77, cancel={})],
    "many cancels of no call": [envelope(id, cancel={}) for id in range(1, 2000)],
    "pong nobody asked for": [envelope(0, pong={"nonce": "9"})],
    "cancel twice": [invocation(1, "wait"), envelope(1, cancel={}), envelope(1, cancel={})],
    "credit for a call that is over": [
        invocation(1, "count", 0),
        envelope(1, credit={"items": 2**32 - 1, "bytes": str(2**64 - 1)}),
        envelope(1, credit={"items": 2**32 - 1, "bytes": str(2**64 - 1)}),
    ],
    "huge id": [invocation(2**63 + 1, "any", 1)],
    "unknown kind for a call": [unknown(9)],
}


@pytest.mark.parametrize("name", HARMLESS)
async def test_what_means_nothing_harms_nothing(joined, name):
    """The stream goes on."""
    hostile = await joined()
    await hostile.stream.write(frame(*HARMLESS[name]))
    await hostile.send(envelope(0, ping={"nonce": "42"}))
    assert (await hostile.until("pong")).pong.nonce == 42


async def test_huge_id_is_the_last(joined):
    """No id is left after the largest, and the call itself is answered."""
    hostile = await joined()
    await hostile.send(invocation(2**64 - 1, "any", 1))
    assert (await hostile.until("result", 2**64 - 1)).result.msgpack
    await hostile.send(invocation(1, "who"))
    assert await hostile.status() is Status.INVALID_ARGUMENT


async def test_credit_does_not_overflow(joined):
    """Grants of all bits, many times over: every value of the stream comes, and an end."""
    hostile = await joined()
    most = {"items": 2**32 - 1, "bytes": str(2**64 - 1)}
    await hostile.send(invocation(1, "count", 50), *[envelope(1, credit=most)] * 1000)
    for _ in range(50):
        while not (await hostile.until("item", 1)).item.msgpack:
            pass
    assert (await hostile.until("result", 1)).result.WhichOneof("outcome") != "error"


@pytest.mark.parametrize("left", [e for e in EDGES if e > 1000])
async def test_a_huge_time_left_is_a_year(joined, left):
    """No timer overflows."""
    hostile = await joined()
    await hostile.send(invocation(1, "any", 1, time_left_us=left))
    assert (await hostile.until("result", 1)).result.msgpack


async def test_nothing_before_setup(attack):
    """Not even a ping."""
    for first in (invocation(1), envelope(0, ping={}), envelope(0, drain={}), Envelope()):
        hostile = attack()
        await hostile.send(first)
        assert await hostile.status() is Status.INVALID_ARGUMENT


@pytest.mark.parametrize("version", [0, 2, 2**32 - 1])
async def test_another_version(attack, version):
    """It is told so."""
    hostile = attack()
    await hostile.send(setup(version=version))
    assert await hostile.status() is Status.FAILED_PRECONDITION


async def test_what_this_end_does_not_do(joined):
    """Is answered so: to the call, or by the end of the stream."""
    hostile = await joined()
    await hostile.send(unknown(1))
    assert (await hostile.until("result", 1)).result.error.status == Status.UNIMPLEMENTED
    await hostile.send(unknown(0))
    assert await hostile.status() is Status.UNIMPLEMENTED


# At the consumer


def begin(connection, name, *arguments):
    method = describe(Vault).methods[name]
    made = Invocation("demo.Vault", name, arguments, method=method)
    made.codec = method_codec(method)
    payload = made.codec.encode_arguments(arguments, None)
    return asyncio.ensure_future(call(connection.calls, made, payload))


async def test_a_consumer_s_calls_end_with_its_stream(attack):
    """A provider that breaks the rules ends them all, and each says that it may have run."""
    hostile = attack(opened=True)
    await hostile.send(setup())
    await hostile.until("setup")
    await hostile.connection.ready
    calls = [begin(hostile.connection, "echo", "x") for _ in range(10)]
    await hostile.until("invocation", 19)
    await hostile.stream.write(b"\xff\xff")
    for each in calls:
        with pytest.raises(facade.Unavailable) as caught:
            await each
        assert caught.value.sent is facade.Sent.MAYBE_EXECUTED


WRONG_ANSWERS = {
    "no msgpack": {"msgpack": "wQ=="},
    "another type": {"msgpack": "AQ=="},
    "nothing": {},
    "another encoding": {"any": {"@type": "type.googleapis.com/google.protobuf.Empty"}},
    "unknown exception": {"error": {"type": "os.system", "arguments": "kaJscw==", "raised": True}},
    "wrong exception": {"error": {"type": "UnicodeDecodeError", "arguments": "kQE="}},
    "unknown codes": {"error": {"status": 99}},
}


@pytest.mark.parametrize("name", WRONG_ANSWERS)
async def test_a_wrong_answer_fails_its_call_alone(attack, name):
    """An error for that call; the next one gets its answer."""
    hostile = attack(opened=True)
    await hostile.send(setup())
    await hostile.connection.ready
    bad, good = begin(hostile.connection, "echo", "x"), begin(hostile.connection, "echo", "y")
    await hostile.send(envelope(1, result=WRONG_ANSWERS[name]))
    await hostile.send(envelope(3, result={"msgpack": "oXk="}))
    assert (await good).value == "y"
    try:
        result = await bad
    except facade.RpcError:
        return
    assert isinstance(result.exception, facade.RemoteError) or result.value is None


async def test_an_answer_names_no_class(attack):
    """A type is a name among those that were declared here, and nothing that is imported."""
    hostile = attack(opened=True)
    await hostile.send(setup())
    await hostile.connection.ready
    sent = begin(hostile.connection, "echo", "x")
    wrong = {"type": "subprocess.Popen", "arguments": "kaJscw==", "raised": True}
    await hostile.send(envelope(1, result={"error": wrong}))
    result = await sent
    assert type(result.exception) is facade.RemoteError
    assert result.exception.type == "subprocess.Popen"
