"""Errors on the wire: which class, which code, and how far the call came."""

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from hypothesis import given
from hypothesis import strategies as st

import facade
from facade.codec import encode_plain
from facade.core import (
    Code,
    DeadlineExceeded,
    InvalidArgument,
    Invocation,
    LimitExceeded,
    RemoteError,
    RpcError,
    Sent,
    Status,
    Unavailable,
    Unimplemented,
)
from facade.exchange.envelope import WireResult, fill_error, parse, read_result


@facade.error("tests.envelope.OutOfStock")
class OutOfStock(Exception):
    def __init__(self, item, wanted):
        super().__init__(f"{item}: {wanted} wanted")
        self.item = item
        self.wanted = wanted


class Undeclared(Exception):
    pass


def result_of(error, *, raised, attachments=None):
    """What the caller gets of an error: the result, or the RpcError that is raised."""
    wire = WireResult()
    fill_error(wire, error, raised=raised, attachments=attachments)
    return read_result(
        parse(wire.SerializeToString(), WireResult), Invocation("demo.Greeter", "hello")
    )


def raised_by_the_method(error):
    """The exception that the caller finds in the result."""
    payload, result = result_of(error, raised=True)
    assert payload is None
    return result.exception


def failed_on_the_way(error):
    """The RpcError that the caller gets raised."""
    with pytest.raises(RpcError) as caught:
        result_of(error, raised=False)
    return caught.value


# Exceptions of the method


def test_declared_exception_comes_back_as_itself():
    """Class, attributes and text are those of the one that was raised."""
    error = raised_by_the_method(OutOfStock("tea", 3))
    assert type(error) is OutOfStock
    assert (error.item, error.wanted, str(error)) == ("tea", 3, "tea: 3 wanted")


@pytest.mark.parametrize(
    "error", [KeyError("name"), ValueError("bad", 3), ZeroDivisionError(), TimeoutError("slow")]
)
def test_pythons_own_come_back_as_themselves(error):
    """A builtin exception needs no declaration."""
    received = raised_by_the_method(error)
    assert type(received) is type(error)
    assert received.args == error.args


def test_undeclared_exception_is_a_remote_error():
    """Its type's name and its text come; its arguments stay at home."""
    error = raised_by_the_method(Undeclared("text", "secret argument"))
    assert type(error) is RemoteError
    assert error.type == f"{__name__}.Undeclared"
    assert error.message == str(Undeclared("text", "secret argument"))
    assert (error.code, error.status, error.remote) == (Code.BIZ, Status.UNKNOWN, True)


def test_exception_that_is_not_known_here_is_a_remote_error():
    """One that only the other end declared keeps its declared name."""
    wire = WireResult()
    wire.error.raised = True
    wire.error.type = "elsewhere.Declared"
    wire.error.message = "no luck"
    wire.error.arguments = encode_plain(("no luck",))
    _, result = read_result(wire, Invocation("s", "m"))
    assert type(result.exception) is RemoteError
    assert str(result.exception) == "elsewhere.Declared: no luck"


def test_exception_of_a_foreign_provider_is_a_remote_error():
    """Another language sends a type and a text, and no arguments."""
    wire = WireResult()
    wire.error.raised = True
    wire.error.type = "ValueError"
    wire.error.message = "no luck"
    _, result = read_result(wire, Invocation("s", "m"))
    assert type(result.exception) is RemoteError
    assert result.exception.type == "ValueError"


def test_exception_with_arguments_that_cannot_travel_keeps_its_text(caplog):
    """The class still comes back, made of its text, and the provider's log says why."""
    sent = ValueError("bad", object())
    error = raised_by_the_method(sent)
    assert type(error) is ValueError
    assert str(error) == str(sent)
    assert "the arguments of ValueError can't travel" in caplog.text


def test_declared_exception_with_arguments_that_cannot_travel(caplog):
    """Where the text alone is not enough to make it anew, a RemoteError says what it was."""
    error = raised_by_the_method(OutOfStock(object(), 3))
    assert type(error) is RemoteError
    assert error.type == "tests.envelope.OutOfStock"
    assert error.message.endswith(": 3 wanted")
    assert "can't travel" in caplog.text


def test_exception_without_a_text():
    """An exception whose text can't be made does not break its answer."""

    class Silent(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    error = raised_by_the_method(Silent())
    assert type(error) is RemoteError
    assert "RuntimeError" in error.message


@pytest.mark.parametrize("kind", [ValueError, Undeclared])
def test_text_that_is_no_unicode_still_travels(kind):
    """A file's name that is no UTF-8 has broken characters in it: the error comes all the same."""
    error = raised_by_the_method(kind("cannot read caf\udce9.txt"))
    assert "cannot read caf" in str(error)


def test_failed_call_of_the_method_is_raised_by_it():
    """A method whose own call failed passes that error on, and who caught it can tell."""
    error = raised_by_the_method(Unavailable("stock is down", sent=Sent.NOT_SENT))
    assert type(error) is Unavailable
    assert error.message == "stock is down"
    # That the inner call was not sent says nothing of the outer one: the method did run.
    assert error.sent is Sent.MAYBE_EXECUTED


def test_remote_error_is_passed_on():
    """Over two hops an unknown exception still has the type that it was raised with."""
    error = raised_by_the_method(RemoteError("no luck", type="far.Away", remote=True))
    assert type(error) is RemoteError
    assert (error.type, error.message) == ("far.Away", "no luck")


def test_rpc_error_can_not_be_declared():
    """An RpcError travels by its code and status: a name for one is refused at once."""
    with pytest.raises(TypeError, match="a declared error from Exception"):

        @facade.error("tests.envelope.Throttled")
        class Throttled(RpcError):
            pass


def claimed(type, arguments):
    """What comes of an exception that a peer says was of this type and these arguments."""
    wire = WireResult()
    wire.error.raised = True
    wire.error.type = type
    wire.error.arguments = arguments
    return read_result(wire, Invocation("s", "m"))[1].exception


@given(
    st.text() | st.sampled_from(["ValueError", "OSError", "tests.envelope.OutOfStock"]), st.binary()
)
def test_garbage_as_arguments_is_harmless(type, arguments):
    """Whatever a peer says an exception was made of, an exception comes of it."""
    assert isinstance(claimed(type, arguments), Exception)


@pytest.mark.parametrize(
    "arguments",
    [b"\x91" * 100_000, b"\x05", b"\x91\xa1\xff", b"\xc1"],
    ids=["endless nesting", "no array", "broken text", "no msgpack"],
)
def test_malice_as_arguments_is_harmless(arguments):
    """What can't be decoded is an exception all the same."""
    assert isinstance(claimed("ValueError", arguments), Exception)


def test_attachments_come_with_errors():
    """What the method sent back is there when it raised, too."""
    _, result = result_of(KeyError("x"), raised=True, attachments={"cost": "5", "raw": b"\x00"})
    assert result.attachments == {"cost": "5", "raw": b"\x00"}


# Calls that failed on the way


@pytest.mark.parametrize(
    "kind", [RpcError, DeadlineExceeded, Unavailable, Unimplemented, InvalidArgument, LimitExceeded]
)
def test_each_class_of_error_comes_back(kind):
    """Class, code, status and text survive, and the error says that it is the other end's."""
    error = failed_on_the_way(kind("it failed"))
    assert type(error) is kind
    assert (error.code, error.status) == (kind.code, kind.status)
    assert str(error) == "it failed"
    assert error.remote


@pytest.mark.parametrize("code", Code)
def test_every_code_survives(code):
    """What a provider refuses with is not turned into a network failure."""
    assert failed_on_the_way(RpcError("it failed", code=code)).code is code


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OK])
def test_every_status_survives(status):
    """So is gRPC's word for it."""
    assert failed_on_the_way(RpcError("it failed", status=status)).status is status


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (Sent.NOT_SENT, Sent.NOT_EXECUTED),
        (Sent.NOT_EXECUTED, Sent.NOT_EXECUTED),
        (Sent.MAYBE_EXECUTED, Sent.MAYBE_EXECUTED),
    ],
)
def test_how_far_the_call_came_survives(sent, received):
    """Whether it is safe to send again is known at the caller's end; it was sent, in any case."""
    assert failed_on_the_way(Unavailable("stops", sent=sent)).sent is received


def test_details_survive():
    """Typed details come back as they were, also those of a type that nobody here knows."""
    detail = AnyMessage(type_url="type.googleapis.com/demo.Detail", value=b"\x08\x01")
    failed = failed_on_the_way(RpcError("it failed", details=[detail]))
    raised = raised_by_the_method(RemoteError("x", type="far.Away", details=[detail]))
    # Not compared as messages: to do so, protobuf may want to know their type.
    for (received,) in (failed.details, raised.details):
        assert (received.type_url, received.value) == (detail.type_url, detail.value)


@pytest.mark.parametrize(("code", "status"), [(99, 99), (-1, -1), (2**31 - 1, 2**31 - 1)])
def test_numbers_of_a_newer_peer_are_unknown(code, status):
    """A code or a status that this end does not know is no reason to fail."""
    wire = WireResult()
    wire.error.message = "it failed"
    wire.error.code = code
    wire.error.status = status
    with pytest.raises(RpcError, match="it failed") as caught:
        read_result(parse(wire.SerializeToString(), WireResult), Invocation("s", "m"))
    assert (caught.value.code, caught.value.status) == (Code.UNKNOWN, Status.UNKNOWN)


def test_peer_that_promises_nothing_may_have_run_it():
    """Only an explicit word says that the method was not started."""
    wire = WireResult()
    wire.error.message = "it failed"
    with pytest.raises(RpcError) as caught:
        read_result(wire, Invocation("s", "m"))
    assert caught.value.sent is Sent.MAYBE_EXECUTED


@facade.error("tests.envelope.Findings")
class Findings(Exception):
    def __len__(self):
        return 0


def test_error_that_is_empty():
    """One whose truth is false comes back as itself, as any other."""
    assert type(raised_by_the_method(Findings())) is Findings
