import pytest

from facade.core import Result


def test_recreate_returns_the_value():
    """A result with a value gives it, None included."""
    assert Result(5).recreate() == 5
    assert Result().recreate() is None


def test_recreate_raises_the_exception():
    """A result with an exception raises that very object."""
    exception = KeyError("name")
    with pytest.raises(KeyError) as caught:
        Result(exception=exception).recreate()
    assert caught.value is exception


def test_clear_forgets_everything():
    """Neither value, exception nor attachments stay. (Dubbo: AppResponse#clear)"""
    result = Result(5, KeyError("name"), {"trace": "1"})
    result.clear()
    assert (result.value, result.exception, result.attachments) == (None, None, {})
    assert result.recreate() is None


def test_clear_leaves_the_attachments_of_others_alone():
    """A dictionary that was handed in is let go, not emptied."""
    attachments = {"trace": "1"}
    Result(5, None, attachments).clear()
    assert attachments == {"trace": "1"}


def test_each_result_has_attachments_of_its_own():
    """What goes back with one call does not go back with another."""
    Result().attachments["trace"] = "1"
    assert Result().attachments == {}


def test_result_is_not_expired_until_somebody_says_so():
    """Being late is a mark that a filter sets."""
    result = Result(5)
    assert not result.expired
    result.expired = True
    assert repr(result) == "<Result expired>"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (Result("secret"), "<Result str>"),
        (Result(), "<Result NoneType>"),
        (Result(exception=KeyError("secret")), "<Result KeyError>"),
    ],
)
def test_repr_names_types_and_no_values(result, text):
    """What lands in a log has no value in it."""
    assert repr(result) == text
