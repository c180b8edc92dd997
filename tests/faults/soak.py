"""All kinds of calls for as long as you like: python -m tests.faults.soak [SECONDS]

One consumer calls a provider in another process, on two ways: straight, and through a proxy
that resets its connections now and then. Every ten seconds it prints what both ends have open;
at the end, what the memory did and what was left. Exit code 1 where a bound was passed.
"""

import asyncio
import collections
import logging
import random
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic

import facade
from tests.faults.calm import GROWTH, Calm
from tests.faults.census import Census, descriptors, memory
from tests.faults.process import Provider
from tests.faults.proxy import Proxy
from tests.faults.work import Work

# Seconds: between lines, between looks at the memory, between cuts of the proxied connections.
LINE, LOOK, CUT = 10.0, 0.5, 7.0

# Callers on each way. Each has one call under way, or one stream.
STRAIGHT, PROXIED = 32, 8


class Load:
    """Callers of one way. What they get is checked, and what should not be is counted."""

    def __init__(self, client: facade.AsyncClient, callers: int, *, cut: bool) -> None:
        self.client = client
        self._work = client.refer(Work)
        self._callers = callers
        # Whether connections are lost now and then.
        self._cut = cut
        self._tasks: list[asyncio.Task[None]] = []
        self.calls = 0
        self.lost = 0
        self.wrong: collections.Counter[str] = collections.Counter()
        # How often each of them, of a hundred calls.
        kinds: list[tuple[int, Callable[[], Awaitable[object]]]] = [
            (55, self._unary),
            (10, self._oneway),
            (5, self._stream),
            (3, self._stream_left_early),
            (7, self._callback),
            (7, self._cancelled),
            (6, self._late),
            (7, self._failing),
        ]
        self._kinds = [kind for times, kind in kinds for _ in range(times)]

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._call_on()) for _ in range(self._callers)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _call_on(self) -> None:
        while True:
            kind = random.choice(self._kinds)
            self.calls += 1
            try:
                if not await kind():
                    self.wrong[f"{kind.__name__}: a wrong answer"] += 1
            except facade.Unavailable:
                self.lost += 1
                if not self._cut:
                    self.wrong[f"{kind.__name__}: Unavailable"] += 1
            except Exception as error:
                # Texts of one kind differ by their times.
                self.wrong[f"{kind.__name__}: {type(error).__name__}, {str(error)[:60]}"] += 1

    async def _unary(self) -> bool:
        text = random.choice(("short", "x" * 10_000))
        return await self._work.echo(text) == text

    async def _oneway(self) -> bool:
        await self._work.tell("-")
        return True

    async def _stream(self) -> bool:
        return [each async for each in self._work.count(100)] == list(range(100))

    async def _stream_left_early(self) -> bool:
        async with self._work.count(1_000_000_000) as numbers:
            async for number in numbers:
                if number == 10:
                    break
        return number == 10

    async def _callback(self) -> bool:
        return await self._work.call_back("abc", str.upper) == "ABC"

    async def _cancelled(self) -> bool:
        call = asyncio.ensure_future(self._work.hang("-"))
        try:
            await asyncio.sleep(random.choice((0, 0.001, 0.01)))
        finally:
            running = call.cancel()
        if not running:
            call.result()  # why it has ended so soon
            return False
        await asyncio.wait([call])
        return call.cancelled()

    async def _late(self) -> bool:
        try:
            await self._work.stopping.options(timeout=0.003)("-", 3600.0)
        except facade.DeadlineExceeded:
            return True
        return False

    async def _failing(self) -> bool:
        try:
            await self._work.fail("on purpose")
        except ValueError as error:
            return str(error) == "on purpose"
        return False


class Memory:
    """Of one process, looked at again and again: (seconds, bytes)."""

    def __init__(self, pid: int | str) -> None:
        self._pid = pid
        self._seen: list[tuple[float, float]] = []

    def look(self) -> None:
        self._seen.append((monotonic(), memory(self._pid) * 1024.0))

    @property
    def slope(self) -> float:
        """Bytes a second, by least squares."""
        count = len(self._seen)
        at = sum(time for time, _ in self._seen) / count
        mean = sum(size for _, size in self._seen) / count
        spread = sum((time - at) ** 2 for time, _ in self._seen)
        return sum((time - at) * (size - mean) for time, size in self._seen) / spread


class Soak:
    """The loads and the lines."""

    def __init__(self, provider: Provider, proxy: Proxy, calm: Calm, loads: list[Load]) -> None:
        self._provider = provider
        self._proxy = proxy
        self._calm = calm
        self._loads = loads
        self._begun = monotonic()
        self.failed = False

    async def ready(self) -> None:
        """Before what is open is counted: the proxied connection may just have been cut."""
        for load in self._loads:
            await load.client.ready(30)

    async def load(self, seconds: float, *memories: Memory) -> None:
        """Call on for so long."""
        for load in self._loads:
            load.start()
        start = line = cut = monotonic()
        calls = self._calls
        while (now := monotonic()) - start < seconds:
            for each in memories:
                each.look()
            if now - cut >= CUT:
                cut = now
                self._proxy.cut()
            if now - line >= LINE:
                await self._print((self._calls - calls) / (now - line))
                line, calls = now, self._calls
            await asyncio.sleep(LOOK)
        for load in self._loads:
            await load.stop()

    @property
    def _calls(self) -> int:
        return sum(load.calls for load in self._loads)

    async def _print(self, rate: float) -> None:
        there, here, pid = await self._calm.census(), Census.take(), self._provider.pid
        print(
            f"{monotonic() - self._begun:6.0f} s  {rate:7,.0f} calls/s  "
            f"RSS {here.memory / 1024:6.1f} + {memory(pid) / 1024:6.1f} MiB  "
            f"tasks {here.tasks:4} + {there['tasks']:4}  "
            f"descriptors {here.descriptors:3} + {descriptors(pid):3}  "
            f"objects {here.objects // 1000:3} + {there['objects'] // 1000:3} k  "
            f"pending {self._calm.pending:4} + {there['pending']:4}",
            flush=True,
        )

    def report(self, name: str, figure: str, bound: str, ok: bool) -> None:
        self.failed |= not ok
        print(f"{name:<44} {figure:>28}  {bound:<26} {'ok' if ok else 'NOT OK'}", flush=True)

    async def run(self, seconds: float) -> None:
        """A fifth of the time to warm up; then what counts."""
        warm = max(5.0, seconds / 5)
        await self.load(warm)
        await self.ready()
        await self._calm.take()
        memories = {"here": Memory("self"), "there": Memory(self._provider.pid)}
        measured = max(5.0, seconds - warm)
        await self.load(measured, *memories.values())
        wrong = sum((load.wrong for load in self._loads), collections.Counter())
        lost = sum(load.lost for load in self._loads)
        for what, times in wrong.most_common(10):
            print(f"{times} times {what}")
        self.report(
            "soak: calls that ended wrongly", f"{wrong.total()} of {self._calls:,}", "0", not wrong
        )
        self.report("soak: calls lost with their connection", f"{lost:,}", "any", True)
        # The noise of a process at rest, spread over the time: see GROWTH.
        most = GROWTH * 1024 / measured
        for side, each in memories.items():
            self.report(
                f"soak: memory {side}",
                f"{each.slope:+,.0f} bytes/s",
                f"<= {most:,.0f} bytes/s",
                each.slope <= most,
            )
        await self.ready()
        await self._calm.again(self.report, "soak")


async def main(seconds: float) -> int:
    logging.basicConfig(level="ERROR")  # answers that come late are what is wanted here
    with tempfile.TemporaryDirectory() as folder:
        provider = Provider(Path(folder) / "provider", {"log_level": "ERROR"})
        await provider.start()
        proxy = Proxy(provider.port)
        await proxy.start()
        try:
            async with (
                facade.AsyncClient(provider.target, timeout=30) as straight,
                facade.AsyncClient(proxy.target, timeout=30) as through,
            ):
                await straight.ready(30)
                await through.ready(30)
                loads = [
                    Load(straight, STRAIGHT, cut=False),
                    Load(through, PROXIED, cut=True),
                ]
                soak = Soak(provider, proxy, Calm(straight, through), loads)
                await soak.run(seconds)
                return int(soak.failed)
        finally:
            await proxy.close()
            await provider.end()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 3600.0)))
