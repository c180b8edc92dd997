"""Peers and networks that fall silent, or are slow."""

import asyncio
import contextlib
import json
import os
import random
import resource
import signal
import socket
import sys
import time
from pathlib import Path
from statistics import median
from time import monotonic

import pytest

import facade
from tests.faults.busy import usual
from tests.faults.until import until
from tests.faults.work import Work

ROOT = Path(__file__).resolve().parents[2]

# Seconds of both ends: an end that hears nothing is to know after their sum. It bears that a busy
# machine holds the other end up for a while.
BEAT = {"heartbeat": 0.5, "heartbeat_timeout": 2.0}
FOUND = 0.5 + 2.0 + 1.0


def sockets(pid: int) -> int:
    """How many of a process are established."""
    held = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            held.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    rows = []
    for family in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{family}") as table:
            rows += [line.split() for line in table.readlines()[1:]]
    return sum(f"socket:[{row[9]}]" in held and row[3] == "01" for row in rows)


async def lost(call):
    """Seconds until the call failed for its connection's end."""
    start = monotonic()
    with pytest.raises(facade.Unavailable) as raised:
        await call
    assert raised.value.sent is facade.Sent.MAYBE_EXECUTED
    return monotonic() - start


def freed(census):
    """Of who asks nothing is left but his connection. What ran for another is cancelled in the
    loop's next turn, and a census may come before."""
    return census["connections"] == 1 and census["running"] == 0


async def held(client, one):
    """A call that has begun, and would never end."""
    call = asyncio.ensure_future(client.refer(Work).hang("held"))
    await until(lambda: "held" in one.journal)
    return call


async def test_frozen_provider(provider, report_time):
    """Its consumer gives it up, and closes the connection; the provider notices once it goes on."""

    async def frozen():
        one = await provider(**BEAT)
        async with facade.AsyncClient(one.target, timeout=60, **BEAT) as client:
            before = sockets(os.getpid())
            call = await held(client, one)
            assert sockets(os.getpid()) > before
            one.freeze()
            took = await lost(call)
            await until(lambda: sockets(os.getpid()) == before)
            one.thaw()
            await until(lambda: sockets(one.pid) == 0)
            assert await client.refer(Work).echo("again") == "again"
            return took

    took = await usual(frozen, FOUND)
    report_time("frozen provider: its consumer knows", took, FOUND)


async def test_frozen_consumer(provider, report_time):
    """Its provider gives it up, ends what it did for it, and closes the connection."""

    async def frozen():
        one = await provider(**BEAT)
        consumer = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.consumer", one.target, json.dumps(BEAT)), cwd=ROOT
        )
        try:
            async with facade.AsyncClient(one.target, timeout=60, **BEAT) as watch:
                census = watch.refer(Work).census
                await until(lambda: "held" in one.journal, 30)
                assert (await census())["connections"] == 2
                consumer.send_signal(signal.SIGSTOP)
                start = monotonic()
                while not freed(await census()) or sockets(one.pid) > 1:
                    assert monotonic() - start < 30
                    await asyncio.sleep(0.02)
                return monotonic() - start
        finally:
            consumer.kill()
            await consumer.wait()

    took = await usual(frozen, FOUND)
    report_time("frozen consumer: the provider has freed it", took, FOUND)


@pytest.mark.parametrize("stopped", ["up", "down"])
async def test_black_hole(provider, proxy, report_time, stopped):
    """Nothing comes through in one direction, and nobody is told: each end lets go."""

    async def cut_off():
        one = await provider(**BEAT)
        between = await proxy(one.port)
        client = facade.AsyncClient(between.target, timeout=60, **BEAT)
        watch = facade.AsyncClient(one.target, timeout=60, **BEAT)
        async with client, watch:
            call = await held(client, one)
            census = watch.refer(Work).census
            assert (await census())["running"] == 1
            getattr(between, stopped).stop()
            start = monotonic()
            await lost(call)
            while not freed(await census()):
                assert monotonic() - start < 30
                await asyncio.sleep(0.02)
            return monotonic() - start

    took = await usual(cut_off, FOUND)
    name = f"black hole {stopped}: both ends have let go"
    report_time(name, took, FOUND)


async def test_slow_networks(provider, proxy, report, report_time, short):
    """Latency, stalls as after loss, a throttled link: every answer is right, none is lost."""
    # What is on its way on the throttled link takes 10 s, and a ping goes behind it.
    beat = {"heartbeat": 1.0, "heartbeat_timeout": 20.0}
    one = await provider(**beat)
    between = await proxy(one.port)
    distant = await proxy(one.port)
    distant.up.delay = distant.down.delay = 0.1
    calls = 200 if short else 1000
    settings = {**beat, "timeout": 60}

    async def right(work, size):
        texts = [f"{number}-{'x' * random.randrange(size)}" for number in range(calls)]
        answers = await asyncio.gather(*(work.echo(text) for text in texts))
        return sum(answer == text for answer, text in zip(answers, texts, strict=True))

    async def stalls(direction):
        while True:
            await asyncio.sleep(random.uniform(0.01, 0.05))
            direction.stop()
            await asyncio.sleep(random.uniform(0.05, 0.3))
            direction.go_on()

    async def lone():
        async with facade.AsyncClient(distant.target, **settings) as client:
            start = monotonic()
            await client.refer(Work).echo("lone")
            return monotonic() - start

    report_time("200 ms latency: a call there and back", await usual(lone, 1.0), 1.0)
    async with facade.AsyncClient(distant.target, **settings) as client:
        good = await right(client.refer(Work), 2000)
        report("200 ms latency: right answers", f"{good} of {calls}", "all", good == calls)
    async with facade.AsyncClient(between.target, **settings) as client:
        work = client.refer(Work)
        losing = [asyncio.ensure_future(stalls(way)) for way in (between.up, between.down)]
        good = await right(work, 2000)
        for task in losing:
            task.cancel()
        await asyncio.gather(*losing, return_exceptions=True)
        between.up.go_on()
        between.down.go_on()
        report("stalls up to 300 ms: right answers", f"{good} of {calls}", "all", good == calls)
        between.up.rate = between.down.rate = 64_000.0
        good = await right(work, 1000)
        report("64 kB/s link: right answers", f"{good} of {calls}", "all", good == calls)
        assert between.accepted == 1


async def test_half_open_connections(provider, report):
    """A thousand that say nothing, or half of a greeting, cost normal callers nothing."""
    # Often 1,024, and both ends need more.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    one = await provider()

    async def lone(work):
        times = []
        for _ in range(200):
            start = monotonic()
            await work.echo("lone")
            times.append(monotonic() - start)
        return median(times)

    async with facade.AsyncClient(one.target, timeout=30) as client:
        work = client.refer(Work)
        await lone(work)
        ratio = 9.0
        for _ in range(6):  # others may use the machine in some of them, and not in others
            alone = await lone(work)
            idle = [socket.create_connection(("127.0.0.1", one.port)) for _ in range(1000)]
            for one_of_them in idle[::2]:
                one_of_them.send(b"PRI * HTTP/2.0\r\n\r\nSM")
            beside = await lone(work)
            async with facade.AsyncClient(one.target, timeout=30, application="new") as new:
                assert await new.refer(Work).echo("new") == "new"
            for one_of_them in idle:
                one_of_them.close()
            ratio = min(ratio, beside / alone)
            if ratio < 1.5:
                break
    report(
        "1,000 half-open connections: latency of others",
        f"{ratio:.2f} times",
        "1.5 times",
        ratio < 1.5,
    )


async def test_blocked_loop(provider, report):
    """A method that blocks the provider's loop for less than a heartbeat's patience costs nobody
    his connection, nor does it make the provider give one up afterwards; and it is named."""
    beat = {"heartbeat": 0.3, "heartbeat_timeout": 15.0}
    # Less patient than the loop is blocked: only its own late timer could make it hang up.
    one = await provider(heartbeat=0.2, heartbeat_timeout=4.5, slow_loop=0.3)
    ended = []
    clients = [
        facade.AsyncClient(
            one.target,
            timeout=60,
            application=f"{number}",
            on_disconnect=lambda peer, error: ended.append(error),
            **beat,
        )
        for number in range(10)
    ]
    async with contextlib.AsyncExitStack() as stack:
        for client in clients:
            await stack.enter_async_context(client)
            await client.ready()
        await clients[0].refer(Work).block(5.0)
        answers = await asyncio.gather(*(c.refer(Work).echo("still here") for c in clients))
        await asyncio.sleep(1.0)  # for those that would be given up now
        lost_ones = len(ended)
        assert len(answers) == 10
    report("loop blocked for 5 s: connections lost", f"{lost_ones}", "0", lost_ones == 0)
    named = "faults.Work.block" in one.log and "time.sleep(seconds)" in one.log
    report("loop blocked for 5 s: the log names the method", str(named).lower(), "true", named)


async def test_wall_clock_jumps(provider, report, monkeypatch):
    """Forth and back by days, while calls and heartbeats are under way: only the monotonic
    clock counts, so nothing times out early or late."""
    # No jump is shorter than the patience, and a busy machine's pauses are.
    beat = {"heartbeat": 0.3, "heartbeat_timeout": 10.0}
    one = await provider(**beat)
    real = time.time
    async with facade.AsyncClient(one.target, timeout=20, **beat) as client:
        work = client.refer(Work)
        await work.echo("before")
        early = late = 0
        for jump in (86400.0, -86400.0, 1e9):
            calls = [asyncio.ensure_future(work.work(f"{jump}-{n}", 1.2)) for n in range(20)]
            short_ones = [
                asyncio.ensure_future(
                    facade.bound(work.hang).options(timeout=0.6)(f"{jump}-short-{n}")
                )
                for n in range(20)
            ]
            start = monotonic()
            await asyncio.sleep(0.05)
            monkeypatch.setattr(time, "time", lambda: real() + jump)  # noqa: B023
            outcomes = await asyncio.gather(*short_ones, return_exceptions=True)
            took = monotonic() - start
            assert all(isinstance(o, facade.DeadlineExceeded) for o in outcomes), outcomes
            late += took > 0.6 + 10.0  # no jump is shorter
            early += took < 0.6
            answers = await asyncio.gather(*calls, return_exceptions=True)
            early += sum(isinstance(a, BaseException) for a in answers)
    report("wall clock jumps: early or late timeouts", f"{early + late}", "0", early + late == 0)


def test_no_source_reads_the_wall_clock_for_time_limits():
    """Nothing but what shows a date to somebody reads it."""
    # The announcer tells a registry since when it serves: another host reads it.
    shown = {"overdue.py", "access_log.py", "otel.py", "trace.py", "announcer.py"}
    wrong = [
        str(path)
        for folder in ("facade/core", "facade/exchange", "facade/consumer", "facade/provider")
        for path in (ROOT / folder).rglob("*.py")
        if path.name not in shown
        and ("time.time(" in path.read_text() or "import time\n" in path.read_text())
    ]
    assert wrong == []
