"""Looks after the workers of ``facade serve``."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable

import typer

from facade.cli.board import Board
from facade.cli.metrics import Metrics
from facade.cli.port import hold
from facade.cli.process import Process, told
from facade.cli.report import Report

# Seconds until a worker that died is started again: the first time, and at most.
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
# One that has lived so long starts with the first pause again.
GOOD_AGE = 30.0


class Supervisor:
    """``count`` processes at one port, each on connections of its own.

    ``command`` gives the command line of a worker, for an address, and whether it is the first:
    that one takes the port. ``started`` gets its report. ``changes`` yields what has changed,
    whenever all are to be replaced. What they announce is announced here, once; ``metrics`` are
    those of all.

    SIGTERM and SIGINT end all in peace, a second one at once. SIGHUP replaces them one by one:
    each ends when its successor serves.
    """

    def __init__(
        self,
        command: Callable[[str | None, bool], list[str]],
        count: int,
        address: str | None,
        started: Callable[[Report], None],
        changes: AsyncIterator[str] | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._command = command
        self._count = count
        self._address = address
        self._started = started
        self._changes = changes
        self._metrics = metrics
        self._board = Board()
        self._workers: list[Process] = []
        self._living: set[Process] = set()
        # Whoever puts a process into its place.
        self._changing = asyncio.Lock()
        self._outdated = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Until it is told to stop; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._outdated.set)
        serving = asyncio.ensure_future(self._serve())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        self._stopping.set()
        code = serving.result() if serving.done() else 0
        stopping.cancel()
        serving.cancel()
        await asyncio.wait((serving,))
        await self._board.close()
        for worker in self._living:
            worker.send(signal.SIGTERM)
        await asyncio.gather(*(worker.wait() for worker in self._living))
        return code

    def _stop(self) -> None:
        if self._stopping.is_set():
            for worker in self._living:
                worker.send(signal.SIGKILL)
        self._stopping.set()

    async def _serve(self) -> int:
        """The exit code of the first worker, where that did not come to serve."""
        first = await self._start(first=True)
        report = await first.ready()
        if report is None:
            return await first.wait()
        self._address = report.address
        with hold(report.address):
            rest = [await self._start() for _ in range(self._count - 1)]
            for worker in rest:
                await worker.ready()
            self._workers = [first, *rest]
            await self._board.settled()
            self._started(report)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._replace_all())
                if self._changes is not None:
                    tasks.create_task(self._follow(self._changes))
                for place in range(self._count):
                    tasks.create_task(self._keep(place))
        return 0

    async def _start(self, *, first: bool = False) -> Process:
        environment = None if self._metrics is None else self._metrics.environment
        command = self._command(self._address, first)
        worker = await Process.start(command, self._told, environment)
        self._living.add(worker)
        return worker

    def _told(self, worker: Process, report: Report) -> None:
        self._board.say(worker, report.notices)

    def _ended(self, worker: Process) -> None:
        self._living.discard(worker)
        self._board.forget(worker)
        if self._metrics is not None:
            self._metrics.ended(worker.pid)

    async def _keep(self, place: int) -> None:
        """Start it again when it dies, after a pause that grows."""
        pause = FIRST_PAUSE
        while True:
            worker = self._workers[place]
            code = await worker.wait()
            self._ended(worker)
            if self._workers[place] is not worker:
                continue  # its time was over
            pause = FIRST_PAUSE if worker.age > GOOD_AGE else pause
            _say(f"worker {worker.pid} ended ({told(code)}); another starts in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            async with self._changing:
                if self._workers[place] is not worker:
                    continue  # it was replaced meanwhile
                try:
                    self._workers[place] = worker = await self._start()
                except OSError as error:  # the system is out of something: try again later
                    _say(f"no worker can be started: {error}")
                    continue
            if await worker.ready():
                _say(f"worker {worker.pid} serves")

    async def _follow(self, changes: AsyncIterator[str]) -> None:
        async for change in changes:
            _say(f"{change} changed")
            self._outdated.set()

    async def _replace_all(self) -> None:
        while True:
            await self._outdated.wait()
            self._outdated.clear()
            for place in range(self._count):
                if not await self._replace(place):
                    _say("the new worker did not come to serve: those that do go on")
                    break
            else:
                _say("all workers were replaced")

    async def _replace(self, place: int) -> bool:
        async with self._changing:
            try:
                successor = await self._start()
            except OSError as error:
                _say(f"no worker can be started: {error}")
                return False
            if not await self._serves(successor):
                await successor.wait()
                self._ended(successor)
                return False
            worker, self._workers[place] = self._workers[place], successor
        worker.send(signal.SIGTERM)
        await worker.wait()
        return True

    async def _serves(self, successor: Process) -> bool:
        """Whether it came to that. One that hangs is ended when it is outdated itself."""
        ready = asyncio.ensure_future(successor.ready())
        outdated = asyncio.ensure_future(self._outdated.wait())
        try:
            await asyncio.wait((ready, outdated), return_when=asyncio.FIRST_COMPLETED)
        finally:
            outdated.cancel()
        if not ready.done():
            successor.send(signal.SIGTERM)
        return await ready is not None


def _say(what: str) -> None:
    typer.echo(what, err=True)
