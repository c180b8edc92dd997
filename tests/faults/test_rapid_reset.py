"""A peer that makes calls and cancels them as fast as it can (HTTP/2's rapid reset)."""

import asyncio
import json
import sys
from statistics import median
from time import monotonic

import pytest

import facade
from facade.exchange.patience import SAVED, SLOWED
from tests.faults.census import Census
from tests.faults.process import ROOT
from tests.faults.until import until

MAX_CALLS = 50

# In frames of their own they come slower.
MAX_CANCELS = {"together": 400, "apart": 400, "alone": 100}


@facade.service("faults.Slow")
class Slow:
    async def work(self) -> None: ...
    async def echo(self, text: str) -> str: ...


class SlowImpl(Slow):
    """Its work takes a while to end, even when it is cancelled."""

    def __init__(self):
        self.running = self.most = self.begun = self.cancelled = 0

    async def work(self):
        self.begun += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self.cancelled += 1
            await asyncio.sleep(0.02)
            raise
        finally:
            self.running -= 1

    async def echo(self, text):
        return text


async def offender(port, mode):
    """What it says of itself, once it was thrown out."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.offender", str(port), mode),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return json.loads(output)


@pytest.mark.parametrize("mode", MAX_CANCELS)
async def test_rapid_reset(report, report_time, mode):
    """There are never more handlers than the limit says; who does it is slowed down, and then
    thrown out with a status that says why. Others are served all the while.

    What is cancelled in the frame that it came in never begins; what came in another does, up to
    the limit, and is cancelled."""
    max_cancels = MAX_CANCELS[mode]
    slow = SlowImpl()
    server = facade.Server(max_calls=MAX_CALLS, max_cancels=max_cancels)
    server.export(Slow, slow)
    async with server, facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20) as client:
        neighbour = client.refer(Slow)
        await neighbour.echo("connected")
        before = Census.take()
        offending = asyncio.ensure_future(offender(server.port, mode))
        waits = []
        while not offending.done():
            start = monotonic()
            await neighbour.echo("still served?")
            waits.append(monotonic() - start)
            await asyncio.sleep(0.01)
        end = await offending
        name = f"rapid reset, {mode}"
        report(
            f"{name}: most handlers at once",
            f"{slow.most}",
            f"<= {MAX_CALLS}",
            slow.most <= MAX_CALLS,
        )
        # What it may have at once, what it gets in all that time, and what the peer had written
        # and gRPC had in its buffers when it was thrown out.
        allowed = max_cancels * (SAVED + end["seconds"] + 5)
        least = 0 if mode == "together" else 10 * MAX_CALLS
        report(
            f"{name}: calls begun, of {end['calls']:,}",
            f"{slow.begun:,}",
            f"{least:,} to {allowed:,.0f}",
            least <= slow.begun <= allowed and end["calls"] > 0,
        )
        said = end["status"] == "RESOURCE_EXHAUSTED" and "max_cancels" in end["details"]
        report(f"{name}: thrown out with", end["status"], "RESOURCE_EXHAUSTED", said)
        report(
            f"{name}: after",
            f"{end['seconds']:.1f} s",
            f"{SLOWED:g} to {SLOWED + 10:g} s",
            SLOWED <= end["seconds"] <= SLOWED + 10,
        )
        report_time(f"{name}: a neighbour's call, median", median(waits), 0.05)
        took = await until(lambda: not slow.running)
        after = Census.take()
        more = max(after.tasks - before.tasks, 0)
        report(
            f"{name}: begun and not cancelled",
            f"{slow.begun - slow.cancelled}",
            "0",
            slow.begun == slow.cancelled,
        )
        report_time(f"{name}: no handlers left after", took, 2.0)
        report(f"{name}: tasks more", f"{more}", "0", not more)
