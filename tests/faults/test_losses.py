"""A provider that is killed, and one that comes back."""

import asyncio
import signal
from functools import partial
from statistics import median
from time import monotonic

import pytest

import facade
from facade import Sent
from tests.faults.busy import usual
from tests.faults.until import until
from tests.faults.work import Work


async def failure(call, failed):
    """The error of a call, and when it came."""
    try:
        await call
    except facade.Unavailable as error:
        failed.append(monotonic())
        return error
    raise AssertionError("a call of a provider that was killed had an answer")


async def killed_with(one, calls, before_the_kill):
    """Seconds until all calls had failed, and the errors by id. ``before_the_kill`` is given the
    service, the ids, and whatever makes a call of one."""
    failed: list[float] = []
    ids = [f"call-{number}" for number in range(calls)]
    # The tasks of calls that are not written yet need no more than to have begun.
    async with facade.AsyncClient(one.target, timeout=60, describe=False) as client:
        work = client.refer(Work)
        await work.echo("connected")
        tasks = await before_the_kill(
            work, ids, lambda name: asyncio.ensure_future(work.hang(name))
        )
        watched = [asyncio.ensure_future(failure(task, failed)) for task in tasks]
        await asyncio.sleep(0)
        start = monotonic()
        one.kill()
        errors = await asyncio.gather(*watched)
    await one.wait()
    return max(failed) - start, dict(zip(ids, errors, strict=True))


def lies(errors, journal):
    """Ids whose error says what the journal does not."""
    began = {id.partition(".")[0] for id in journal}
    return [
        id for id, e in errors.items() if e.sent is not Sent.MAYBE_EXECUTED and id in began
    ], sum(e.sent is Sent.NOT_SENT for e in errors.values())


async def test_kill_with_calls_in_flight(provider, report, report_time, short):
    """All fail at once; none that ran says that it was not sent."""
    took, untrue, began = [], [], []
    for _ in range(3 if short else 5):
        one = await provider()

        async def in_flight(work, ids, call):
            tasks = [call(id) for id in ids]
            await until(lambda: len(one.journal) == len(ids))  # noqa: B023
            return tasks

        seconds, errors = await killed_with(one, 1000, in_flight)
        wrong, _ = lies(errors, one.journal)
        took.append(seconds)
        untrue += wrong
        began.append(len(one.journal))
        assert all(e.sent is Sent.MAYBE_EXECUTED for e in errors.values())
    worst = median(took)
    report_time("kill -9, 1,000 calls run: all have failed", worst, 0.5)
    report("kill -9, 1,000 calls run: untrue `sent`", f"{len(untrue)}", "0", not untrue)
    assert set(began) == {1000}


async def test_kill_while_calls_are_being_sent(provider, report, report_time, short):
    """Some have run, some are on the way, some not sent: each says what is so, and *not sent* is
    said of those that never left."""
    took, untrue, unsent = [], [], []
    for _ in range(3 if short else 5):
        one = await provider()

        async def on_the_way(work, ids, call):
            tasks = [call(id) for id in ids[:500]]
            await until(lambda: len(one.journal) >= 400)  # noqa: B023
            one.freeze()  # noqa: B023
            # More than the windows of HTTP/2 take: what is left waits in our own outbox.
            return tasks + [call(f"{id}.{'x' * 32768}") for id in ids[500:]]

        seconds, errors = await killed_with(one, 1000, on_the_way)
        wrong, not_sent = lies(errors, one.journal)
        took.append(seconds)
        untrue += wrong
        unsent.append(not_sent)
    worst = median(took)
    report_time("kill -9, 1,000 calls half sent: all have failed", worst, 0.5)
    report("kill -9, 1,000 calls half sent: untrue `sent`", f"{len(untrue)}", "0", not untrue)
    report(
        "kill -9, 1,000 calls half sent: told as not sent",
        f"{min(unsent)}",
        "more than 0",
        min(unsent) > 0,
    )


async def until_answered(work):
    while True:
        try:
            return await work.echo("again")
        except facade.RpcError:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("way", ["exchange", "unary", "native"])
async def test_restart(provider, report_time, short, way):
    """A consumer that keeps calling is served again soon after its provider is back."""
    outages = ((1, 3) if way == "exchange" else (1,)) if short else (1, 12)
    options = {way: True} if way != "exchange" else {}

    async def first_success(outage):
        one = await provider()
        async with facade.AsyncClient(one.target, timeout=0.5, describe=False, **options) as client:
            work = client.refer(Work)
            assert await work.echo.options(timeout=20)("before") == "before"
            one.send(signal.SIGKILL)
            await one.wait()
            calling = asyncio.ensure_future(until_answered(work))
            await asyncio.sleep(outage)
            assert not calling.done()
            await one.start()
            start = monotonic()
            await asyncio.wait_for(calling, 30)
            return monotonic() - start

    for outage in outages:
        took = await usual(partial(first_success, outage), 1.5)
        report_time(f"restart after {outage} s, {way}: first success", took, 1.5)
