"""The encodings beside msgpack, and answers in the encoding of the question."""

from contextlib import suppress

import msgspec
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from facade.codec import ANY, MSGPACK, RAW, VALUE, GenericCodec, MethodCodec
from facade.core import Code, InvalidArgument, Method, Parameter, RpcError, Status
from facade.jsonvalue import from_value, to_value


def codec(*hints, returns=None, **facts):
    parameters = tuple(
        Parameter(name, hint, **facts) for name, hint in zip("abc", hints, strict=False)
    )
    return MethodCodec(Method("demo.Shop", "buy", parameters, returns))


def in_any(message):
    packed = AnyMessage()
    packed.Pack(message)
    return packed


DURATION = Duration(seconds=3, nanos=5)
ECHO = codec(Duration, returns=Duration)
BLOB = codec(bytes, returns=bytes)


# Which encoding is used


@pytest.mark.parametrize(
    ("sent", "encoding"),
    [
        (codec(int, returns=str), MSGPACK),
        (codec(Duration, returns=Duration), ANY),
        (codec(Duration), ANY),
        (codec(Duration, Duration, returns=Duration), MSGPACK),
        (codec(Duration, returns=str), MSGPACK),
        (codec(Duration, returns=Duration, keyword_only=True), MSGPACK),
        (codec(bytes, returns=bytes), RAW),
        (codec(bytes), RAW),
        (codec(bytes, bytes), MSGPACK),
        (codec(bytes, returns=str), MSGPACK),
        (codec(bytes, returns=bytes, keyword_only=True), MSGPACK),
        (codec(returns=bytes), MSGPACK),
    ],
)
def test_encoding_follows_from_the_hints(sent, encoding):
    """One message is an Any, one bytes is raw, and all else is msgpack."""
    assert sent.encoding == encoding


# google.protobuf.Any


def test_message_travels_as_any():
    """A method of one message speaks protobuf, so that other languages need no msgpack."""
    encoding, content = ECHO.encode_arguments((DURATION,), None)
    assert encoding == ANY
    assert content == in_any(DURATION)
    assert ECHO.decode_arguments((encoding, content)) == ((DURATION,), None)


def test_message_may_be_given_by_name():
    """A name makes no difference."""
    assert ECHO.encode_arguments((), {"a": DURATION}) == (ANY, in_any(DURATION))


def test_message_is_answered_as_any():
    """What comes back is packed too, and unpacked at the caller's."""
    answer = ECHO.encode_result(DURATION, ANY)
    assert answer == (ANY, in_any(DURATION))
    assert ECHO.decode_result(answer) == DURATION


def test_nothing_is_answered_as_an_empty_any():
    """A method that returns nothing answers an Any with nothing in it."""
    sent = codec(Duration)
    answer = sent.encode_result(None, ANY)
    assert answer == (ANY, AnyMessage())
    assert sent.decode_result(answer) is None


def test_message_of_another_type_is_refused():
    """The caller's side and the provider's both name the argument and both types."""
    with pytest.raises(InvalidArgument) as caught:
        ECHO.encode_arguments((Struct(),), None)
    assert str(caught.value) == "demo.Shop.buy: argument 'a': expected Duration, got Struct"
    with pytest.raises(InvalidArgument) as caught:
        ECHO.decode_arguments((ANY, in_any(Struct())))
    assert str(caught.value) == (
        "demo.Shop.buy: argument 'a' is a google.protobuf.Duration, not google.protobuf.Struct"
    )


def test_empty_any_is_refused():
    """An Any that holds nothing is no message."""
    with pytest.raises(InvalidArgument, match="not an empty Any"):
        ECHO.decode_arguments((ANY, AnyMessage()))


def test_message_may_come_in_every_encoding_that_the_method_has():
    """msgpack has it serialized, JSON as protobuf's own JSON writes it."""
    sent = codec(Struct, returns=Struct)
    message = Struct()
    message["k"] = "v"
    assert sent.decode_arguments((VALUE, to_value([{"k": "v"}]))) == ((message,), None)
    content = msgspec.msgpack.encode([message.SerializeToString()])
    assert sent.decode_arguments((MSGPACK, content)) == ((message,), None)


@pytest.mark.parametrize("sent", [b"\xff\xff", 5, "text"])
def test_what_is_no_message_is_refused(sent):
    """Bytes that are no such message, or no bytes, name the argument and the message."""
    content = msgspec.msgpack.encode([b"", sent])
    with pytest.raises(InvalidArgument, match=r"argument 'b': not a google\.protobuf\.Duration"):
        codec(Duration, Duration).decode_arguments((MSGPACK, content))


# raw


@given(st.binary())
def test_bytes_travel_raw(content):
    """A method of bytes sends them as they are, there and back."""
    assert BLOB.encode_arguments((content,), None) == (RAW, content)
    assert BLOB.decode_arguments((RAW, content)) == ((content,), None)
    assert BLOB.decode_result(BLOB.encode_result(content, RAW)) == content


@pytest.mark.parametrize("buffer", [bytearray(b"abc"), memoryview(b"abc")])
def test_buffers_are_bytes(buffer):
    """Whatever holds bytes may be given."""
    assert BLOB.encode_arguments((buffer,), None) == (RAW, b"abc")


@pytest.mark.parametrize("value", ["text", 5, None, [1, 2]])
def test_what_are_no_bytes_is_not_sent(value):
    """The text names the argument, what was expected and what it got."""
    with pytest.raises(InvalidArgument) as caught:
        BLOB.encode_arguments((value,), None)
    assert str(caught.value) == (
        f"demo.Shop.buy: argument 'a': expected bytes, got {type(value).__name__}"
    )


def test_raw_nothing():
    """A method that takes bytes and returns nothing answers with no bytes."""
    sent = codec(bytes)
    assert sent.encode_result(None, RAW) == (RAW, b"")
    assert sent.decode_result((RAW, b"")) is None


def test_bytes_may_come_in_every_encoding_that_the_method_has():
    """msgpack has bytes; JSON has them as base64."""
    assert BLOB.decode_arguments((MSGPACK, msgspec.msgpack.encode([b"abc"]))) == ((b"abc",), None)
    assert BLOB.decode_arguments((VALUE, to_value(["YWJj"]))) == ((b"abc",), None)


@pytest.mark.parametrize(("sent", "encoding"), [(ECHO, RAW), (BLOB, ANY)])
def test_encoding_that_the_method_has_not_is_refused(sent, encoding):
    """The text says which it has."""
    with pytest.raises(InvalidArgument, match="arguments come as msgpack or value or ") as caught:
        sent.decode_arguments((encoding, b""))
    assert str(caught.value).endswith(f"not as {encoding}")


# Answers


@pytest.mark.parametrize("encoding", [MSGPACK, VALUE])
def test_answer_comes_in_the_callers_encoding(encoding):
    """Whoever asked in JSON is answered in JSON, whatever the method prefers itself."""
    assert codec(int, returns=int).encode_result(5, encoding)[0] == encoding
    assert BLOB.encode_result(b"abc", encoding)[0] == encoding
    assert ECHO.encode_result(DURATION, encoding)[0] == encoding


def test_answer_in_json_is_readable():
    """A JSON client sees objects, text and numbers."""

    class Order(msgspec.Struct):
        item: str
        raw: bytes
        count: int

    _, value = codec(returns=Order).encode_result(Order("tea", b"abc", 2), VALUE)
    assert from_value(value) == {"item": "tea", "raw": "YWJj", "count": 2}


def failed(call, *arguments):
    """The text of the RpcError that ``call`` raises: our fault, not the caller's."""
    with pytest.raises(RpcError) as caught:
        call(*arguments)
    assert (caught.value.code, caught.value.status) == (Code.SERIALIZATION, Status.INTERNAL)
    return caught.value.message


@pytest.mark.parametrize("encoding", [MSGPACK, VALUE, ANY, RAW])
def test_result_that_cannot_be_encoded(encoding):
    """The provider's method returned something without a form: the text names the method."""
    text = failed(codec(int).encode_result, object(), encoding)
    assert text.startswith("what demo.Shop.buy returned can't be encoded: ")


@pytest.mark.parametrize("value", [5, [1, 2], "text", None], ids=repr)
def test_raw_result_that_is_no_bytes(value):
    """A number is not that many zero bytes, a list not its items, nothing not emptiness."""
    failed(BLOB.encode_result, value, RAW)


@pytest.mark.parametrize("encoding", [MSGPACK, VALUE])
def test_result_of_a_wrong_type(encoding):
    """A provider that breaks its promise: the caller gets an error, not the wrong type."""
    sent = codec(returns=int)
    text = failed(sent.decode_result, sent.encode_result("five", encoding))
    assert text == "what demo.Shop.buy answered is not a int: Expected `int`, got `str`"


def test_any_result_of_a_wrong_type():
    """A message of another type, or none, is an error at the caller's."""
    assert failed(ECHO.decode_result, (ANY, in_any(Struct()))) == (
        "what demo.Shop.buy answered is not a Duration: it is google.protobuf.Struct"
    )
    assert failed(ECHO.decode_result, (ANY, AnyMessage())).endswith("it is an empty Any")


@pytest.mark.parametrize("answer", [(RAW, b"abc"), (ANY, in_any(DURATION))], ids=["raw", "any"])
def test_answer_in_an_encoding_that_the_method_has_not(answer):
    """A peer that answers as it was not asked to is no way around the type of the value."""
    failed(codec(int, returns=str).decode_result, answer)


@given(st.binary())
def test_garbage_is_no_answer(content):
    """Bytes that are no such value end in an RpcError and in nothing else."""
    for sent in (codec(returns=int), codec(returns=dict[str, list[str]]), GenericCodec("s", "m")):
        with suppress(RpcError):
            sent.decode_result((MSGPACK, content))


@pytest.mark.parametrize(
    "content", [b"\xa1\xff", b"\x91" * 100_000], ids=["text that is no UTF-8", "too deep"]
)
@pytest.mark.parametrize(
    "sent", [codec(returns=object | None), GenericCodec("s", "m")], ids=["typed", "generic"]
)
def test_malice_is_no_answer(sent, content):
    """Broken text and endless nesting are errors of the call."""
    failed(sent.decode_result, (MSGPACK, content))
