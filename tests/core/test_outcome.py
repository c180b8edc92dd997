import asyncio

import pytest

from facade.core import DeadlineExceeded, RemoteError, Result, Status
from facade.core.outcome import status_of


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Result("value"), Status.OK),
        (Result(exception=KeyError("k")), Status.UNKNOWN),
        (Result(exception=DeadlineExceeded("late")), Status.DEADLINE_EXCEEDED),
        (DeadlineExceeded("late"), Status.DEADLINE_EXCEEDED),
        (RemoteError("text", type="acme.Broken"), Status.UNKNOWN),
        (RuntimeError("a filter's bug"), Status.INTERNAL),
        (asyncio.CancelledError(), Status.CANCELLED),
        (KeyboardInterrupt(), Status.CANCELLED),
    ],
    ids=repr,
)
def test_each_end_has_a_status(outcome, status):
    """What filters count a call as."""
    assert status_of(outcome) is status


def test_expired_result_is_late():
    """A cleared result is a timeout, though it has no exception."""
    result = Result()
    result.expired = True
    assert status_of(result) is Status.DEADLINE_EXCEEDED
