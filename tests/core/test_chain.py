import asyncio
import inspect

import pytest

from facade.core import Filter, InvalidArgument, Invocation, Result, RpcError, chain


class Answer:
    """An invoker that gives ``result``, or raises ``error``."""

    def __init__(self, log=None, result=None, error=None):
        self.log = [] if log is None else log
        self.result = result or Result("answer")
        self.error = error

    async def invoke(self, invocation):
        self.log.append("invoker")
        if self.error is not None:
            raise self.error
        return self.result

    def __repr__(self):
        return "Answer()"


class Around(Filter):
    """Notes when it runs, and what it listens to."""

    def __init__(self, name, log):
        self.name = name
        self.log = log

    async def invoke(self, invoker, invocation):
        self.log.append(f"{self.name} before")
        result = await invoker.invoke(invocation)
        self.log.append(f"{self.name} after")
        return result


class Listener(Filter):
    def __init__(self, name, log):
        self.name = name
        self.log = log

    def on_response(self, result, invoker, invocation):
        self.log.append((self.name, "response", result))

    def on_error(self, error, invoker, invocation):
        self.log.append((self.name, "error", error))


class Refusal(Listener):
    """Raises before it calls anybody."""

    def __init__(self, name, log, error):
        super().__init__(name, log)
        self.error = error

    async def invoke(self, invoker, invocation):
        raise self.error


class Cached(Listener):
    """Answers without calling anybody."""

    async def invoke(self, invoker, invocation):
        return Result("cached")


class BadListener(Listener):
    """Its callbacks raise."""

    def __init__(self, name, log, problem):
        super().__init__(name, log)
        self.problem = problem

    def on_response(self, result, invoker, invocation):
        super().on_response(result, invoker, invocation)
        raise self.problem

    def on_error(self, error, invoker, invocation):
        super().on_error(error, invoker, invocation)
        raise self.problem


@pytest.fixture
def log():
    return []


@pytest.fixture
def invocation():
    return Invocation("demo.Greeter", "hello", ("Ann",))


# Order


async def test_first_filter_is_outermost(log, invocation):
    """The first filter of the list runs first and ends last."""
    invoker = chain([Around("outer", log), Around("inner", log)], Answer(log))
    result = await invoker.invoke(invocation)
    assert result.value == "answer"
    assert log == ["outer before", "inner before", "invoker", "inner after", "outer after"]


def test_no_filters_give_the_invoker_itself():
    """A chain of nothing costs nothing: it is the invoker."""
    invoker = Answer()
    assert chain([], invoker) is invoker


def test_repr_is_flat(log):
    """A chain reads as its filters and its invoker, outermost first, joined by arrows."""

    class AccessLog(Listener):
        pass

    assert repr(chain([Around("", log), AccessLog("", log)], Answer())) == (
        "around -> access_log -> Answer()"
    )


def test_chain_of_chains_is_flat_and_in_order(log):
    """A chain is an invoker, so a chain around it reads as one."""
    inner = chain([Around("inner", log)], Answer(log))
    outer = chain([Listener("outer", log)], inner)
    assert repr(outer) == "listener -> around -> Answer()"


async def test_invoke_and_listeners_of_one_filter_all_run(log, invocation):
    """A filter may both run around the call and listen to how it ended."""

    class Both(Around):
        def on_response(self, result, invoker, invocation):
            log.append("response")

    await chain([Both("both", log)], Answer(log)).invoke(invocation)
    assert log == ["both before", "invoker", "both after", "response"]


async def test_one_chain_serves_calls_at_once(log):
    """Calls of one chain that overlap keep their own invocations and results."""

    class Echo:
        async def invoke(self, invocation):
            await asyncio.sleep(0)
            return Result(invocation.arguments[0])

    invoker = chain([Around("a", log), Listener("b", log)], Echo())
    results = await asyncio.gather(
        *(invoker.invoke(Invocation("s", "m", (number,))) for number in range(10))
    )
    assert [result.value for result in results] == list(range(10))


# Listeners


async def test_listeners_hear_innermost_first(log, invocation):
    """Callbacks run as the call comes back: the inner filter's before the outer one's."""
    answer = Answer()
    result = await chain([Listener("outer", log), Listener("inner", log)], answer).invoke(
        invocation
    )
    assert log == [("inner", "response", result), ("outer", "response", result)]
    assert result is answer.result


async def test_exception_of_the_method_is_a_response(log, invocation):
    """What the method raised arrives in on_response, inside the result; nothing is raised."""
    failed = Result(exception=KeyError("no such order"))
    result = await chain([Listener("a", log)], Answer(result=failed)).invoke(invocation)
    assert result is failed
    assert log == [("a", "response", failed)]


async def test_failed_call_is_an_error_for_all_listeners(log, invocation):
    """What is raised on the way arrives in on_error, innermost first, and at the caller."""
    error = RpcError("connection lost")
    invoker = chain([Listener("outer", log), Listener("inner", log)], Answer(error=error))
    with pytest.raises(RpcError) as caught:
        await invoker.invoke(invocation)
    assert caught.value is error
    assert log == [("inner", "error", error), ("outer", "error", error)]


async def test_cancelled_call_is_an_error(log, invocation):
    """A caller who is cancelled shows in on_error, and still ends as cancelled."""
    started = asyncio.Event()

    class Endless:
        async def invoke(self, invocation):
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(chain([Listener("a", log)], Endless()).invoke(invocation))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(name, kind, type(error)) for name, kind, error in log] == [
        ("a", "error", asyncio.CancelledError)
    ]


async def test_cancelled_call_stays_cancelled_when_on_error_raises(log, invocation, caplog):
    """A broken on_error can't make a cancelled task seem to have finished: it is logged."""
    cancelled = asyncio.CancelledError()
    problem = RuntimeError("broken listener")
    invoker = chain(
        [Listener("outer", log), BadListener("inner", log, problem)], Answer(error=cancelled)
    )
    with pytest.raises(asyncio.CancelledError):
        await invoker.invoke(invocation)
    assert log == [("inner", "error", cancelled), ("outer", "error", cancelled)]
    assert caplog.records[0].exc_info[1] is problem


async def test_raising_on_response_is_an_error_further_out(log, invocation):
    """What on_response raises reaches outer filters as on_error, and its own on_error never."""
    problem = InvalidArgument("no such customer")
    invoker = chain(
        [Listener("outer", log), BadListener("middle", log, problem), Listener("inner", log)],
        Answer(),
    )
    with pytest.raises(InvalidArgument) as caught:
        await invoker.invoke(invocation)
    assert caught.value is problem
    assert [(name, kind) for name, kind, _ in log] == [
        ("inner", "response"),
        ("middle", "response"),
        ("outer", "error"),
    ]
    assert log[-1][2] is problem


async def test_raising_on_error_replaces_the_error(log, invocation):
    """What on_error raises is what the filters around it and the caller see."""
    problem = RpcError("translated")
    invoker = chain(
        [Listener("outer", log), BadListener("inner", log, problem)],
        Answer(error=RpcError("raw")),
    )
    with pytest.raises(RpcError) as caught:
        await invoker.invoke(invocation)
    assert caught.value is problem
    assert log[-1] == ("outer", "error", problem)


async def test_filter_whose_invoke_raised_hears_of_it(log, invocation):
    """A filter that refuses gets its own on_error, outer filters too, inner filters nothing."""
    error = RpcError("too many calls")
    invoker = chain(
        [Listener("outer", log), Refusal("limit", log, error), Listener("inner", log)],
        Answer(log),
    )
    with pytest.raises(RpcError):
        await invoker.invoke(invocation)
    assert log == [("limit", "error", error), ("outer", "error", error)]


async def test_filter_that_answers_itself_keeps_inner_ones_silent(log, invocation):
    """A filter that never called its invoker: the inner filters have seen no call at all."""
    invoker = chain(
        [Listener("outer", log), Cached("cache", log), Listener("inner", log)], Answer(log)
    )
    result = await invoker.invoke(invocation)
    assert result.value == "cached"
    assert log == [("cache", "response", result), ("outer", "response", result)]


async def test_each_attempt_is_a_call_for_inner_filters(log, invocation):
    """A filter that calls twice shows as one call outside and as two inside."""

    class Twice(Filter):
        async def invoke(self, invoker, invocation):
            await invoker.invoke(invocation)
            return await invoker.invoke(invocation)

    await chain([Listener("outer", log), Twice(), Listener("inner", log)], Answer()).invoke(
        invocation
    )
    assert [name for name, _, _ in log] == ["inner", "inner", "outer"]


async def test_listener_may_change_the_result(log, invocation):
    """What an inner on_response writes into the result is what comes out."""

    class Upper(Filter):
        def on_response(self, result, invoker, invocation):
            result.value = result.value.upper()

    assert (await chain([Upper()], Answer()).invoke(invocation)).value == "ANSWER"


async def test_listener_gets_what_it_called_and_with_what(invocation):
    """A callback can tell the call, and what its filter stands around."""
    told = []

    class Curious(Filter):
        def on_response(self, result, invoker, invocation):
            told.append((invoker, invocation))

    invoker = Answer()
    await chain([Curious()], invoker).invoke(invocation)
    assert told == [(invoker, invocation)]


# Refusals


class Nothing(Filter):
    pass


class PlainInvoke(Filter):
    def invoke(self, invoker, invocation):
        return invoker.invoke(invocation)


class AsyncResponse(Filter):
    async def on_response(self, result, invoker, invocation):
        pass


class AsyncError(Filter):
    async def on_error(self, error, invoker, invocation):
        pass


def line_of(function):
    return inspect.getsourcelines(function)[1]


@pytest.mark.parametrize(
    ("filter", "text"),
    [
        (Nothing, "Nothing is a class: give an object, Nothing(...)"),
        ("timeout", "'timeout' is no filter: derive its class from facade.Filter"),
        (None, "None is no filter: derive its class from facade.Filter"),
        (
            Nothing(),
            "Nothing does nothing: write its invoke(self, invoker, invocation), "
            "on_response or on_error",
        ),
        (
            PlainInvoke(),
            f"PlainInvoke.invoke ({__file__}:{line_of(PlainInvoke.invoke)}) must be `async def`",
        ),
        (
            AsyncResponse(),
            f"AsyncResponse.on_response ({__file__}:{line_of(AsyncResponse.on_response)}) "
            "must be a plain `def`: nobody awaits it",
        ),
        (
            AsyncError(),
            f"AsyncError.on_error ({__file__}:{line_of(AsyncError.on_error)}) "
            "must be a plain `def`: nobody awaits it",
        ),
    ],
    ids=[
        "class",
        "name",
        "none",
        "empty",
        "plain invoke",
        "async on_response",
        "async on_error",
    ],
)
def test_what_is_no_filter_is_refused(filter, text):
    """A chain refuses at once what would fail in every call, and says what to do."""
    with pytest.raises(TypeError) as caught:
        chain([filter], Answer())
    assert str(caught.value) == text
