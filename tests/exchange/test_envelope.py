from contextlib import suppress

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.struct_pb2 import Value
from hypothesis import given
from hypothesis import strategies as st

from facade.core import Code, DeadlineExceeded, InvalidArgument, Invocation, Sent
from facade.exchange.envelope import (
    Envelope,
    Frame,
    WireInvocation,
    WireResult,
    fill_invocation,
    fill_result,
    parse,
    read_invocation,
    read_result,
)

NOTHING = ("msgpack", b"\x90")
YEAR = 365 * 24 * 3600.0

names = st.text()
attachments = st.dictionaries(names, st.text() | st.binary(), max_size=5)
payloads = (
    st.tuples(st.just("msgpack"), st.binary())
    | st.tuples(st.just("raw"), st.binary())
    | st.tuples(st.just("value"), st.builds(Value, string_value=st.text()))
    | st.tuples(st.just("any"), st.builds(AnyMessage, type_url=st.text(), value=st.binary()))
)


def over_the_wire(message):
    """As the other end reads it."""
    return parse(message.SerializeToString(), type(message))


def written(payload):
    """A payload as its bytes: to compare an Any, protobuf may want to know its type."""
    encoding, content = payload
    return encoding, content if isinstance(content, bytes) else content.SerializeToString()


# Invocations


@given(
    facts=st.fixed_dictionaries({"service": names, "name": names}),
    group=names,
    version=names,
    oneway=st.booleans(),
    sent=attachments,
    payload=payloads,
)
def test_invocation_comes_out_as_it_went_in(facts, group, version, oneway, sent, payload):
    """Names, attachments and the payload, in any encoding, survive the wire."""
    invocation = Invocation(**facts, attachments=sent, group=group, version=version, oneway=oneway)
    wire = WireInvocation()
    fill_invocation(wire, invocation, payload, None)
    received, content, left = read_invocation(over_the_wire(wire))
    assert (received.service, received.name) == (facts["service"], facts["name"])
    assert (received.group, received.version) == (group, version)
    assert received.oneway is oneway
    assert received.attachments == sent
    assert written(content) == written(payload)
    assert left is None


@given(st.floats(1e-9, YEAR))
def test_time_left_travels_in_microseconds(left):
    """It never grows on the way, loses less than a microsecond, and some always stays."""
    wire = WireInvocation()
    fill_invocation(wire, Invocation("s", "m"), NOTHING, left)
    _, _, received = read_invocation(over_the_wire(wire))
    assert received <= max(left * (1 + 1e-9), 1e-6)
    assert received > left * (1 - 1e-9) - 1e-6


@pytest.mark.parametrize("left", [2 * YEAR, 1e14])
def test_time_left_that_is_too_long_is_cut(left):
    """A timeout beyond a year is still a timeout, and no error."""
    wire = WireInvocation()
    fill_invocation(wire, Invocation("s", "m"), NOTHING, left)
    assert read_invocation(over_the_wire(wire))[2] == YEAR


def test_time_left_of_a_stranger_is_cut():
    """A peer that says it waits for ever can't overflow our timers."""
    wire = WireInvocation(time_left_us=2**64 - 1)
    assert read_invocation(wire)[2] == YEAR


def test_invocation_without_arguments():
    """A client that leaves them out gives none: an absent JSON value."""
    _, payload, _ = read_invocation(WireInvocation(service="s", method="m"))
    assert payload == ("value", Value())


# Results


@given(payload=payloads, sent=attachments)
def test_result_comes_out_as_it_went_in(payload, sent):
    """The payload, in any encoding, and the attachments survive the wire."""
    wire = WireResult()
    fill_result(wire, payload, sent)
    content, result = read_result(over_the_wire(wire), Invocation("s", "m"))
    assert written(content) == written(payload)
    assert result.attachments == sent
    assert (result.exception, result.expired) == (None, False)


def test_result_without_an_outcome_is_null():
    """A provider that sends nothing answers nothing."""
    content, result = read_result(WireResult(), Invocation("s", "m"))
    assert content == ("value", Value())
    assert result.exception is None


def test_expired_result_is_a_timeout():
    """A result that was cleared at the provider is never taken for None."""
    wire = WireResult()
    fill_result(wire, None, {})
    with pytest.raises(DeadlineExceeded, match=r"demo\.Greeter\.hello timed out") as caught:
        read_result(over_the_wire(wire), Invocation("demo.Greeter", "hello"))
    assert caught.value.code is Code.TIMEOUT
    assert caught.value.sent is Sent.MAYBE_EXECUTED
    assert caught.value.remote


# Attachments


@pytest.mark.parametrize(
    "bad",
    [{"trace": 1}, {"trace": None}, {"trace": ["x"]}, {1: "x"}, {"trace": "\ud800"}],
    ids=repr,
)
def test_attachment_that_cannot_travel_is_not_sent(bad):
    """The text names the attachment and says what it may be."""
    invocation = Invocation("s", "m", attachments=bad)
    with pytest.raises(InvalidArgument, match="names are str, values str or bytes") as caught:
        fill_invocation(WireInvocation(), invocation, NOTHING, None)
    assert caught.value.message.startswith(f"attachment {next(iter(bad))!r}: ")
    assert caught.value.sent is Sent.NOT_SENT


def test_bad_attachment_of_a_result_does_not_deny_the_call():
    """The method has run when its attachments turn out bad: nobody may think it has not."""
    with pytest.raises(InvalidArgument) as caught:
        fill_result(WireResult(), NOTHING, {"trace": 1})
    assert caught.value.sent is Sent.MAYBE_EXECUTED


# Bytes of a peer


@given(st.binary())
@pytest.mark.parametrize("message", [Frame, Envelope, WireInvocation, WireResult])
def test_garbage_raises_value_error_and_nothing_else(message, data):
    """Bytes are such a message, or they are a ValueError."""
    with suppress(ValueError):
        assert isinstance(parse(data, message), message)


@pytest.mark.parametrize("message", [Frame, Envelope, WireInvocation, WireResult])
def test_garbage_is_told_what_it_is_not(message):
    """The text says which message was expected."""
    with pytest.raises(ValueError, match=f"not a {message.DESCRIPTOR.full_name}: "):
        parse(b"\xff\xff\xff", message)


def test_nesting_without_end_is_refused():
    """A value inside of a value, a thousand times, is no message."""
    value = b""
    for _ in range(1000):
        # list_value (field 6) of values (field 1)
        inner = b"\x0a" + _size(value) + value
        value = b"\x32" + _size(inner) + inner
    with pytest.raises(ValueError, match="not a facade"):
        parse(b"\x52" + _size(value) + value, WireInvocation)


def _size(data):
    size, head = len(data), bytearray()
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*head, size])


def test_empty_frame_is_a_frame():
    """No bytes are a message in which nothing is set."""
    assert len(parse(b"", Frame).envelopes) == 0
    assert parse(b"", Envelope).WhichOneof("kind") is None
