import grpc
import pytest

from facade.core import (
    Code,
    DeadlineExceeded,
    InvalidArgument,
    LimitExceeded,
    RemoteError,
    RpcError,
    Sent,
    Status,
    Unavailable,
    Unimplemented,
)
from facade.v1 import invocation_pb2


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (RpcError, Code.UNKNOWN, Status.UNKNOWN),
        (DeadlineExceeded, Code.TIMEOUT, Status.DEADLINE_EXCEEDED),
        (Unavailable, Code.NETWORK, Status.UNAVAILABLE),
        (Unimplemented, Code.METHOD_NOT_FOUND, Status.UNIMPLEMENTED),
        (InvalidArgument, Code.SERIALIZATION, Status.INVALID_ARGUMENT),
        (LimitExceeded, Code.LIMIT_EXCEEDED, Status.RESOURCE_EXHAUSTED),
    ],
)
def test_each_error_has_a_code_and_a_status(kind, code, status):
    """Dubbo's code and gRPC's status come with the class, and RpcError catches them all."""
    error = kind("it failed")
    assert isinstance(error, RpcError)
    assert (error.code, error.status) == (code, status)
    assert (str(error), error.message) == ("it failed", "it failed")


def test_code_and_status_may_be_given():
    """One error may differ from its class, and leaves the class alone."""
    error = DeadlineExceeded("too late", code=Code.TIMEOUT_TERMINATE, status=Status.ABORTED)
    assert (error.code, error.status) == (Code.TIMEOUT_TERMINATE, Status.ABORTED)
    assert DeadlineExceeded("again").code is Code.TIMEOUT


def test_error_is_careful_where_nothing_is_known():
    """Unless said otherwise the call may have run, and this end says so."""
    error = RpcError("it failed")
    assert error.sent is Sent.MAYBE_EXECUTED
    assert not error.remote
    assert error.details == ()


def test_facts_of_an_error_are_kept():
    """How far the call came, who says so, and the details are there for who caught it."""
    error = Unavailable("refused", sent=Sent.NOT_SENT, remote=True, details=["why"])
    assert (error.sent, error.remote, error.details) == (Sent.NOT_SENT, True, ("why",))


@pytest.mark.parametrize(
    ("kind", "python"), [(DeadlineExceeded, TimeoutError), (InvalidArgument, TypeError)]
)
def test_error_is_pythons_own_too(kind, python):
    """Who knows nothing of RPC catches what Python has for it."""
    with pytest.raises(python, match="it failed"):
        raise kind("it failed")


@pytest.mark.parametrize(
    ("message", "text"), [("no stock", "shop.Empty: no stock"), ("", "shop.Empty")]
)
def test_remote_error_reads_as_the_exception_did(message, text):
    """An exception of the method that is unknown here shows its type and its message."""
    error = RemoteError(message, type="shop.Empty", remote=True)
    assert str(error) == text
    assert (error.type, error.message, error.remote) == ("shop.Empty", message, True)
    assert (error.code, error.status) == (Code.BIZ, Status.UNKNOWN)


def test_statuses_are_those_of_grpc():
    """Names and numbers of Status are gRPC's."""
    assert {s.name: s.value for s in Status} == {s.name: s.value[0] for s in grpc.StatusCode}


def test_codes_are_those_of_the_wire():
    """Names and numbers of Code are those of protos/."""
    wire = {name.removeprefix("CODE_"): number for name, number in invocation_pb2.Code.items()}
    wire["UNKNOWN"] = wire.pop("UNSPECIFIED")
    assert {c.name: c.value for c in Code} == wire
