import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

import facade
from facade.core import FilterSettings, LimitExceeded, RemoteError, Result
from facade.filters.access_log import LONGEST, AccessLog, printable
from facade.testing import FakeInvoker, connected, invocation


@facade.service("access.Greeter", group="blue", version="2.0")
class Greeter:
    async def hello(self, name: str) -> str: ...

    async def ping(self) -> None: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        return f"Hello {name}"

    async def ping(self) -> None: ...


@pytest.fixture(autouse=True)
def log(caplog):
    caplog.set_level(logging.INFO)
    return caplog


async def call(filter, invoker, made=None):
    """What the call gave or raised."""
    try:
        return await filter.invoke(invoker, made or invocation("hello", "Ann", interface=Greeter))
    except BaseException as error:
        return error


# What is told


@pytest.mark.behaviour("B3.24", "B3.25")
async def test_call_is_one_record_with_its_facts(log):
    """Who called what, at which side, and how it ended, are attributes of the record."""
    made = invocation("hello", "Ann", interface=Greeter, remote_application="shop")
    await AccessLog().invoke(FakeInvoker("Hello"), made)
    (record,) = log.records
    assert record.name == "facade.access.access.Greeter"
    assert record.levelno == logging.INFO
    facts = (record.service, record.group, record.version, record.method)
    assert facts == ("access.Greeter", "blue", "2.0", "hello")
    assert (record.side, record.oneway) == ("provider", False)
    assert (record.peer, record.application) == ("ipv4:127.0.0.1:50051", "shop")
    assert (record.outcome, record.code) == ("ok", "")
    assert record.elapsed >= 0
    assert "access.Greeter.hello ok" in record.getMessage()


def expired():
    result = Result()
    result.expired = True
    return result


@pytest.mark.parametrize(
    ("invoker", "outcome", "code"),
    [
        (FakeInvoker(exception=KeyError("x")), "exception", "KeyError"),
        (FakeInvoker(exception=RemoteError("x", type="a.B")), "exception", "a.B"),
        (FakeInvoker(exception=LimitExceeded("full")), "error", "LIMIT_EXCEEDED"),
        (FakeInvoker(error=LimitExceeded("full")), "error", "LIMIT_EXCEEDED"),
        (FakeInvoker(error=RuntimeError("a filter")), "error", "RuntimeError"),
        (FakeInvoker(function=lambda _: expired()), "expired", "TIMEOUT"),
        (FakeInvoker(error=asyncio.CancelledError()), "cancelled", ""),
    ],
)
async def test_each_end_of_a_call_has_a_word(log, invoker, outcome, code):
    """A method that raised, a refusal, a late answer and a cancellation are told apart, and
    go on as they were."""
    ended = await call(AccessLog(), invoker)
    assert isinstance(ended, Result | BaseException)
    (record,) = log.records
    assert (record.outcome, record.code) == (outcome, code)
    assert record.exc_info is None


async def test_consumer_says_so_and_tells_where_the_call_went():
    """At the consumer the peer is the one that was found on the way."""
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger("both.ends").addHandler(handler)
    log = AccessLog("both.ends")
    async with connected(
        (Greeter, GreeterImpl()),
        filters=[log],
        server_filters=[log],
        application="shop",
        timeout=10,
    ) as client:
        await client.refer(Greeter).hello("Ann")
    provider, consumer = records
    assert (provider.side, provider.application) == ("provider", "shop")
    assert (consumer.side, consumer.peer) == ("consumer", "memory")
    assert consumer.elapsed >= provider.elapsed
    logging.getLogger("both.ends").removeHandler(handler)


async def test_concurrent_calls_are_told_each_as_it_ends(log):
    """One filter serves many calls at once, and mixes none of them up."""

    async def wait(made):
        await asyncio.sleep(0)
        return made.arguments[0]

    filter = AccessLog(arguments=True)
    invoker = FakeInvoker(function=wait)
    calls = [invocation("hello", n, interface=Greeter) for n in range(50)]
    await asyncio.gather(*(filter.invoke(invoker, made) for made in calls))
    assert sorted(int(record.arguments) for record in log.records) == list(range(50))


# What is not told


async def test_arguments_stay_out_unless_asked_for(log):
    """Values of arguments may be secrets; results are never told."""
    made = invocation("hello", "s3cret", keywords={"pin": "n1ne"}, attachments={"token": "t0ken"})
    await AccessLog().invoke(FakeInvoker("an answer"), made)
    await AccessLog(arguments=True).invoke(FakeInvoker("an answer"), made)
    plain, asked = log.records
    for secret in ("s3cret", "n1ne", "t0ken", "an answer"):
        assert secret not in plain.getMessage() + repr(vars(plain))
    assert asked.arguments == "'s3cret', pin='n1ne'"
    assert "t0ken" not in repr(vars(asked))


async def test_attachments_are_told_by_name(log):
    """Only those that are named, as far as they are there."""
    sent = {"trace-id": "42", "user": "ann", "raw": b"\x00"}
    filter = AccessLog(attachments=["trace-id", "raw", "missing"])
    await filter.invoke(FakeInvoker(), invocation(attachments=sent))
    assert log.records[0].attachments == {"trace-id": "42", "raw": "b'\\x00'"}
    assert "'trace-id': '42'" in log.records[0].getMessage()


@given(st.text())
def test_nothing_starts_a_line_or_moves_a_cursor(text):
    """Whatever a peer sends stays within its line."""
    assert printable(text).isprintable()
    if text.isprintable() and len(text) <= LONGEST:
        assert printable(text) == text


async def test_line_breaks_of_a_peer_are_escaped(log):
    """A forged second line, a terminal's escape codes and a flood come out harmless."""
    made = invocation(
        "hello\r\nroot logged in",
        "a\nb",
        attachments={"t": "x\x1b[2J\u202e"},
        remote_application="y" * 9999,
    )
    await AccessLog(arguments=True, attachments=["t"]).invoke(FakeInvoker(), made)
    (record,) = log.records
    assert record.method == "hello\\r\\nroot logged in"
    assert record.getMessage().isprintable()
    assert len(record.getMessage()) < 2 * LONGEST


async def test_logger_that_is_off_costs_nothing(log):
    """No record is made, and no argument looked at."""
    log.set_level(logging.WARNING)

    class Secretive:
        def __repr__(self):
            raise AssertionError

    made = invocation("hello", Secretive())
    assert (await AccessLog(arguments=True).invoke(FakeInvoker(1), made)).value == 1
    assert not log.records


@pytest.mark.behaviour("B3.25")
async def test_record_that_fails_does_not_fail_the_call(log, monkeypatch):
    """A broken handler or filter of logging is a matter of the log alone."""
    logger = logging.getLogger("broken.log")

    def broken(record):
        raise RuntimeError("no disk")

    monkeypatch.setattr(logger, "handle", broken)
    result = await AccessLog("broken.log").invoke(FakeInvoker(1), invocation())
    assert result.value == 1
    assert "was not logged" in log.text


# How it is switched on


@pytest.mark.behaviour("B3.23", "B3.24")
async def test_setting_names_the_logger_and_may_differ_by_method(log):
    """A name is a logger's, False leaves a method out."""
    settings = FilterSettings({"access_log": "mine"}, {"ping": {"access_log": False}})
    filter = AccessLog.configure(settings)
    await call(filter, FakeInvoker())
    await call(filter, FakeInvoker(), invocation("ping", interface=Greeter))
    assert [(r.name, r.method) for r in log.records] == [("mine", "hello")]


async def test_setting_of_a_method_leaves_the_others_out(log):
    """What is said for one method holds for it alone; arguments, too."""
    own = {"hello": {"access_log": True, "access_log_arguments": True}}
    filter = AccessLog.configure(FilterSettings({}, own))
    await call(filter, FakeInvoker())
    await call(filter, FakeInvoker(), invocation("ping", interface=Greeter))
    assert [(r.method, r.arguments) for r in log.records] == [("hello", "'Ann'")]


async def test_filter_that_is_named_is_on(log):
    """filters=["access_log"] needs no setting."""
    await call(AccessLog.configure(FilterSettings()), FakeInvoker())
    assert len(log.records) == 1


async def test_generic_calls_make_no_loggers(log):
    """Names that callers make up share one logger."""
    await AccessLog().invoke(FakeInvoker(), invocation(service="made.up"))
    assert log.records[0].name == "facade.access"


def test_end_switches_it_on_by_keyword():
    """The setting of an export and of a reference, each in its place."""
    server = facade.Server()
    invoker = server.export(Greeter, GreeterImpl(), access_log=True).invoker
    assert "context -> access_log -> exception -> timeout" in repr(invoker)
    client = facade.AsyncClient("nowhere:1", filter_settings={"access_log": "calls"})
    assert "consumer_context -> access_log" in repr(client.invoker)


@pytest.mark.parametrize("attachments", ["trace-id", [1]])
def test_attachments_are_a_list_of_names(attachments):
    """Text would be taken for its letters."""
    with pytest.raises(ValueError, match="give a list of names"):
        AccessLog(attachments=attachments)
    settings = {"access_log": True, "access_log_attachments": attachments}
    with pytest.raises((TypeError, ValueError)):
        facade.Server(filter_settings=settings)
