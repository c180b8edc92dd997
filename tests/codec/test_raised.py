"""What is raised while values are read and written."""

import dataclasses

import msgspec
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor_pb2 import UninterpretedOption

from facade.codec import ANY, MSGPACK, VALUE, GenericCodec
from facade.core import Code, InvalidArgument, Method, RpcError, Sent
from facade.exchange.reference import OpenCodec
from facade.jsonvalue import to_value
from tests.codec.test_encodings import ECHO, codec


class Refused(Exception):
    pass


@dataclasses.dataclass
class Guarded:
    number: int

    def __post_init__(self):
        if self.number < 0:
            raise Refused("below 0")


PART = UninterpretedOption.NamePart


@pytest.mark.parametrize(
    ("codec", "payload", "text"),
    [
        (codec(Guarded), (MSGPACK, msgspec.msgpack.encode([{"number": -1}])), "Refused: below 0"),
        (codec(Guarded), (VALUE, to_value([{"number": -1}])), "Refused: below 0"),
        (ECHO, (ANY, AnyMessage(type_url="/google.protobuf.Duration", value=b"\xff")), "Decode"),
        (OpenCodec(Method("demo.Shop", "call", (), None)), (ANY, AnyMessage()), "kind"),
    ],
)
def test_argument_that_fails_as_it_is_read(codec, payload, text):
    """It does not fit, whatever is raised: it is no failure of a filter."""
    with pytest.raises(InvalidArgument, match=text):
        codec.decode_arguments(payload)


@pytest.mark.parametrize(
    ("codec", "payload", "text"),
    [
        (codec(returns=Guarded), (MSGPACK, msgspec.msgpack.encode({"number": -1})), "Refused: bel"),
        (codec(returns=Guarded), (VALUE, to_value({"number": -1})), "Refused: below 0"),
        (ECHO, (ANY, AnyMessage(type_url="/google.protobuf.Duration", value=b"\xff")), "Decode"),
    ],
)
def test_answer_that_fails_as_it_is_read(codec, payload, text):
    """It is no answer that fits, and the call fails as one that does not."""
    with pytest.raises(RpcError, match=f"is not a .*{text}") as caught:
        codec.decode_result(payload)
    assert caught.value.code is Code.SERIALIZATION


@pytest.mark.parametrize(
    "encode",
    [
        lambda: codec(PART, returns=PART).encode_arguments((PART(),), None),
        lambda: codec(PART, int).encode_arguments((PART(), 1), None),
        lambda: codec(PART, int).encode_value((object(), 1), None),
        lambda: GenericCodec("demo.Shop", "buy").encode_arguments((PART(),), None),
        lambda: GenericCodec("demo.Shop", "buy").encode_arguments((PART(), 1), None),
    ],
)
def test_message_that_lacks_what_it_must_have(encode):
    """It is an argument that can't be sent, and nothing was."""
    with pytest.raises(InvalidArgument) as caught:
        encode()
    assert caught.value.sent is Sent.NOT_SENT


@pytest.mark.parametrize("encoding", [ANY, MSGPACK])
def test_answer_that_lacks_what_it_must_have(encoding):
    """It is an answer that can't be encoded, and not a failure of a filter."""
    with pytest.raises(RpcError, match=r"can't be encoded: .*required"):
        codec(PART, returns=PART).encode_result(PART(), encoding)


def test_type_that_raises_what_has_no_text():
    """Neither its own error nor the text of that goes further than the call."""

    class Mute(Exception):
        def __str__(self):
            raise KeyError("no text")

    @dataclasses.dataclass
    class Odd:
        value: int

        def __post_init__(self):
            raise Mute

    with pytest.raises(InvalidArgument, match=r"Mute: .its text can't be made: KeyError"):
        codec(Odd).decode_arguments((MSGPACK, msgspec.msgpack.encode([{"value": 1}])))
