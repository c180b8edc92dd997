"""Very many calls that nobody waits for, and what is left of them."""

import asyncio
import collections
import logging

import pytest

import facade
from facade.exchange.items import WINDOW_ITEMS
from tests.faults.calm import Calm, pending
from tests.faults.until import until
from tests.faults.work import Work

# How many calls are under way at once.
WIDE = 500


@pytest.fixture(autouse=True)
def _quiet(caplog):
    """Answers that come late are logged each, and pytest would keep what is logged."""
    caplog.set_level(logging.ERROR, "facade")


@pytest.fixture
async def storm(provider):
    """Call it with settings of the server: its client and the service."""
    clients = []

    async def start(client=None, **settings):
        one = await provider(log_level="ERROR", **settings)
        made = facade.AsyncClient(one.target, timeout=60, **(client or {}))
        clients.append(made)
        return made, made.refer(Work), one

    yield start
    for client in clients:
        await client.close(grace=1)


async def test_cancelled_calls(storm, short, report):
    """Each is cancelled for its caller, before it is sent or while it runs; the provider's
    work stops, and nothing is left."""
    client, work, _ = await storm(max_cancels=0)
    calm, count = Calm(client), 10_000 if short else 100_000

    async def cancel_many(number):
        tasks = [asyncio.ensure_future(work.hang("-")) for _ in range(WIDE)]
        if number % 4:  # else before a task of it has run
            await asyncio.sleep(0)
        if number % 2:
            await until(lambda: pending(client) == WIDE)
            await work.echo("all of them were sent, and have begun")
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        return sum(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)

    await work.echo("connected")
    for number in range(10):
        await cancel_many(number)
    await calm.take()
    cancelled = sum([await cancel_many(number) for number in range(count // WIDE)])
    report("cancelled calls: cancelled", f"{cancelled:,}", f"{count:,}", cancelled == count)
    await calm.again(report, "cancelled calls")


async def test_deadlines_of_three_milliseconds(storm, short, report):
    """Each is a timeout and nothing else, and what its provider does for it is stopped."""
    client, work, one = await storm()
    calm, count = Calm(client), 10_000 if short else 100_000
    late = work.stopping.options(timeout=0.003)
    others = []

    async def call():
        try:
            await late("-", 3600.0)
        except facade.DeadlineExceeded:
            return 1
        except BaseException as error:
            others.append(repr(error))
        return 0

    async def many(calls):
        return sum(
            [
                sum(await asyncio.gather(*(call() for _ in range(WIDE))))
                for _ in range(calls // WIDE)
            ]
        )

    await work.echo("connected")
    await many(10 * WIDE)
    await calm.take()
    began = len(one.journal)
    timeouts = await many(count)
    report(
        "3 ms deadlines: timeouts", f"{timeouts:,}", f"{count:,}", timeouts == count and not others
    )
    began = len(one.journal) - began
    report("3 ms deadlines: begun at the provider", f"{began:,}", "some", began > 0)
    await calm.again(report, "3 ms deadlines")


async def test_abandoned_futures(storm, short, report):
    """Futures that nobody looks at, of calls that work, fail and time out, leave nothing but
    asyncio's own word about errors that nobody saw."""
    client, work, _ = await storm()
    calm, count = Calm(client), 10_000 if short else 100_000
    unseen = collections.Counter()
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: unseen.update([type(context["exception"])])
    )

    async def abandon(calls):
        for number in range(calls):
            if number % 3 == 0:
                work.echo.future("-")
            elif number % 3 == 1:
                work.echo.future(number)  # no text: it is refused
            else:
                work.stopping.options(timeout=0.003).future("-", 3600.0)
            if number % WIDE == 0:
                await asyncio.sleep(0)  # they are begun
                await until(lambda: pending(client) < WIDE)

    await work.echo("connected")
    await abandon(10 * WIDE)
    await calm.take()
    await abandon(count)
    await calm.again(report, "abandoned futures")
    assert unseen.keys() == {facade.InvalidArgument, facade.DeadlineExceeded}


async def test_abandoned_futures_of_threads(storm, short, report):
    """The same of a blocking client's futures, which threads let go of."""
    client, work, one = await storm()
    with facade.Client(one.target, timeout=60) as blocking:
        calm, count = Calm(client, blocking._client), 10_000 if short else 100_000
        theirs = blocking.refer(Work)

        def abandon(calls):
            late = theirs.stopping.options(timeout=0.003)
            for number in range(calls):
                if number % 2:
                    theirs.echo.future("-")
                else:
                    late.future("-", 3600.0)
                if number % WIDE == 0:
                    theirs.echo("all before it have begun")

        await work.echo("connected")
        await asyncio.to_thread(abandon, 10 * WIDE)
        await calm.take()
        await asyncio.to_thread(abandon, count)
        await calm.again(report, "abandoned futures of threads")


async def test_streams_that_are_never_read(storm, short, report):
    """Each keeps what its window lets come, and no more; let go of, it ends at the provider."""
    client, work, _ = await storm()
    calm, count = Calm(client), 50 if short else 300

    async def hold():
        streams = [await work.count(1_000_000_000) for _ in range(count)]
        await until(lambda: all(stream.at_hand >= WINDOW_ITEMS for stream in streams))
        for _ in range(20):
            await work.echo("others are not held up")
        return max(stream.at_hand for stream in streams)

    await work.echo("connected")
    await hold()
    await calm.take()
    most = await hold()
    bound = f"<= {WINDOW_ITEMS}"
    report("streams never read: values kept for each", f"{most}", bound, most <= WINDOW_ITEMS)
    await calm.again(report, "streams never read")
