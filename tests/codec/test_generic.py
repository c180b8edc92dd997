import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration

from facade.codec import ANY, MSGPACK, VALUE, GenericCodec, decode_plain, encode_plain
from facade.core import Code, InvalidArgument, RpcError, Sent
from facade.jsonvalue import to_value

CODEC = GenericCodec("demo.Shop", "buy")


@pytest.mark.parametrize(
    ("arguments", "keywords", "sent"),
    [
        ((), None, []),
        (("tea", 2), None, ["tea", 2]),
        ((), {"item": "tea"}, {"item": "tea"}),
        (("tea", b"\x00", [None, True]), {}, ["tea", b"\x00", [None, True]]),
    ],
)
def test_arguments_are_all_by_position_or_all_by_name(arguments, keywords, sent):
    """Positional ones go as an array, named ones as a map."""
    encoding, content = CODEC.encode_arguments(arguments, keywords)
    assert encoding == MSGPACK
    assert decode_plain(content) == sent


def test_both_at_once_are_refused():
    """Without an interface nobody knows which position a name has."""
    with pytest.raises(InvalidArgument, match=r"demo\.Shop\.buy: .*by position or") as caught:
        CODEC.encode_arguments(("tea",), {"count": 2})
    assert caught.value.sent is Sent.NOT_SENT


def test_lone_message_travels_as_any():
    """A method of one protobuf message can be called without its interface."""
    encoding, content = CODEC.encode_arguments((Duration(seconds=3),), None)
    message = Duration()
    assert encoding == ANY
    assert content.Unpack(message)
    assert message == Duration(seconds=3)


@pytest.mark.parametrize("value", [object(), 2**64, "\ud800"])
def test_value_that_cannot_be_encoded_is_not_sent(value):
    """The text names the method."""
    with pytest.raises(InvalidArgument, match=r"^demo\.Shop\.buy: ") as caught:
        CODEC.encode_arguments((value,), None)
    assert caught.value.sent is Sent.NOT_SENT


@pytest.mark.parametrize("plain", [None, 5, "text", b"\x00", [1, {"a": None}], {"k": [True]}])
def test_results_are_plain_values(plain):
    """What was a dataclass at the other end is a dict here."""
    assert CODEC.decode_result((MSGPACK, encode_plain(plain))) == plain


def test_results_in_other_encodings():
    """JSON becomes plain values too; a message stays packed, as its type is not known here."""
    assert CODEC.decode_result((VALUE, to_value({"k": [1]}))) == {"k": [1]}
    packed = AnyMessage()
    assert CODEC.decode_result((ANY, packed)) is packed


def test_result_that_cannot_be_decoded():
    """Bytes that are no msgpack are an error of the call."""
    with pytest.raises(RpcError, match=r"what demo\.Shop\.buy answered can't be decoded") as caught:
        CODEC.decode_result((MSGPACK, b"\xc1"))
    assert caught.value.code is Code.SERIALIZATION
