"""``facade bench``: how fast is a method."""

import asyncio
import sys
from contextlib import suppress
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from facade.cli import failure
from facade.cli.duration import duration, shown
from facade.cli.histogram import buckets, percentile, picture
from facade.cli.load import Load
from facade.cli.provider import Target
from facade.cli.tls import Tls
from facade.cli.wanted import (
    ArgumentList,
    AttachmentList,
    Group,
    MethodName,
    Timeout,
    Version,
    Wanted,
)

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def bench(
    target: Target,
    method: MethodName,
    arguments: ArgumentList = None,
    concurrency: Annotated[
        int, typer.Option("-c", "--concurrency", min=1, help="How many calls at once.")
    ] = 16,
    seconds: Annotated[
        float | None,
        typer.Option(
            "-d", "--duration", parser=duration, metavar="TIME", help="How long; 10s if not said."
        ),
    ] = None,
    calls: Annotated[
        int | None, typer.Option("-n", "--calls", min=1, help="How many calls, instead.")
    ] = None,
    attach: AttachmentList = None,
    timeout: Timeout = None,
    group: Group = None,
    version: Version = None,
    tls: Tls = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Call a method over and over, and show how many calls a second there were and how long
    they took.

    All calls share one connection. Ctrl-C ends it early. Exit code 1 where a call failed.
    """
    if seconds is not None and calls is not None:
        raise typer.BadParameter("give -d or -n, not both")
    wanted = Wanted(target, method, arguments, attach, timeout, group, version, tls)

    async def work() -> Load:
        async with wanted.ready() as call:
            load = Load(call, concurrency, seconds or 10.0, calls)
            task = asyncio.ensure_future(load.run())
            try:
                await _watched(load, task)
            except asyncio.CancelledError:  # Ctrl-C: show what there is
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            return load

    load = failure.run(work())
    if json:
        typer.echo(msgspec.json.encode(_facts(load)).decode())
    else:
        _show(load)
    if load.errors:
        raise typer.Exit(failure.FAILED)


async def _watched(load: Load, task: "asyncio.Future[None]") -> None:
    """Until it is done. At a terminal there is a line on stderr that tells how it goes."""
    if not sys.stderr.isatty():
        await task
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=1.0)
        while not task.done():
            progress.update(bar, completed=load.done, description=f"{load.rate:,.0f} calls/s")
            await asyncio.wait((task,), timeout=0.2)
    await task


def _facts(load: Load) -> dict[str, Any]:
    ordered = sorted(load.latencies)
    percentiles = {n: percentile(ordered, s) for n, s in PERCENTILES.items()} if ordered else {}
    return {
        "calls": len(ordered) + load.errors.total(),
        "errors": dict(load.errors.most_common()),
        "seconds": load.elapsed,
        "calls_per_second": load.rate,
        "latency_seconds": percentiles,
        "histogram": [{"below": b, "calls": n} for b, n in buckets(ordered)] if ordered else [],
    }


def _show(load: Load) -> None:
    console = Console()
    facts = _facts(load)
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_row("calls", f"{facts['calls']:,}")
    table.add_row("time", shown(load.elapsed))
    table.add_row("calls/s", f"{load.rate:,.0f}")
    for name, seconds in facts["latency_seconds"].items():
        table.add_row(name, shown(seconds))
    for kind, count in load.errors.most_common():
        table.add_row(f"[red]{kind}[/red]", f"{count:,}")
    console.print(table)
    if load.latencies:
        for line in picture(sorted(load.latencies), _bar(console.encoding)):
            typer.echo(line)
    for example in load.examples.values():
        failure.say(example)


def _bar(encoding: str) -> str:
    return "█" if encoding.lower().startswith("utf") else "#"
