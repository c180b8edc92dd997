import pytest

from facade.cluster import Mock, mocked
from facade.cluster.mock import NO_MOCK
from facade.core import Code, FilterSettings, RpcError, Unavailable
from facade.core.settings import ByMethod
from facade.testing import FakeInvoker, invocation

DEAD = {"error": Unavailable("gone")}


async def later(call):
    return call.name


@pytest.mark.behaviour("B10.17")
@pytest.mark.parametrize(
    ("mock", "value"),
    [(None, None), ([], []), (7, 7), (lambda call: call.name.upper(), "HELLO"), (later, "hello")],
)
async def test_mock_answers_where_the_call_fails(mock, value):
    """A value, None too, or what a function gives."""
    assert (await Mock(FakeInvoker(**DEAD), mock=mock).invoke(invocation())).value == value


@pytest.mark.behaviour("B10.17")
async def test_mock_is_not_asked_where_the_call_answers():
    """An exception of the method is an answer; an RpcError that it answered is none."""
    mock = FakeInvoker("mock").invoke
    assert (await Mock(FakeInvoker("real"), mock=mock).invoke(invocation())).value == "real"
    raised = await Mock(FakeInvoker(exception=KeyError()), mock=mock).invoke(invocation())
    assert isinstance(raised.exception, KeyError)
    answered = FakeInvoker(exception=Unavailable("further on"))
    assert (await Mock(answered, mock=mock).invoke(invocation())).value == "mock"


async def test_exception_of_a_mock_keeps_nothing_of_calls():
    """It is raised again and again, and its traceback would grow for ever."""
    mock = Mock(FakeInvoker(**DEAD), mock=KeyError("gone"))
    lengths = []
    for _ in range(3):
        with pytest.raises(KeyError) as raised:
            (await mock.invoke(invocation())).recreate()
        lengths.append(len(raised.traceback))
    assert len(set(lengths)) == 1


@pytest.mark.behaviour("B10.17")
async def test_business_error_is_raised():
    """It is not for want of a provider."""
    error = RpcError("no stock", code=Code.BIZ)
    with pytest.raises(RpcError) as raised:
        await Mock(FakeInvoker(error=error), mock=None).invoke(invocation())
    assert raised.value is error


@pytest.mark.behaviour("B10.17")
@pytest.mark.parametrize("mock", [KeyError("x"), KeyError])
async def test_mock_may_be_an_exception(mock):
    """As if the method had raised it; a class is given a message."""
    result = await Mock(FakeInvoker(**DEAD), mock=mock).invoke(invocation())
    assert isinstance(result.exception, KeyError)


@pytest.mark.behaviour("B10.17")
async def test_forced_mock_calls_nobody():
    """While the provider is not written yet."""
    real = FakeInvoker("real")
    result = await Mock(real, mock="mock", force=True).invoke(invocation())
    assert result.value == "mock"
    assert real.invocations == []


@pytest.mark.behaviour("B10.17")
async def test_mock_that_fails_tells_of_both():
    """Its own error, and why it was asked."""

    def broken(call):
        raise ValueError("oh")

    with pytest.raises(RpcError, match=r"mock error of .*ValueError: oh, invoke error is: gone"):
        await Mock(FakeInvoker(**DEAD), mock=broken).invoke(invocation())


@pytest.mark.behaviour("B10.17")
async def test_methods_have_mocks_of_their_own():
    """And others have none."""
    settings = FilterSettings({}, {"find": {"mock": 1}, "get": {"mock": 2, "mock_force": True}})
    made = mocked(FakeInvoker(**DEAD), settings)
    assert (await made.invoke(invocation("find"))).value == 1
    assert (await made.invoke(invocation("get"))).value == 2
    with pytest.raises(Unavailable):
        await made.invoke(invocation("other"))


def test_without_a_mock_nothing_is_put_around():
    """Not a step more for each call. What is forced must be said."""
    invoker = FakeInvoker()
    assert mocked(invoker, FilterSettings()) is invoker
    assert repr(Mock(invoker, mock=ByMethod({}, NO_MOCK))) == "Mock(FakeInvoker)"
    with pytest.raises(ValueError, match="mock_force"):
        mocked(invoker, FilterSettings({"mock_force": True}))
