"""``facade serve``: a provider as a process, or several."""

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from typing import Annotated

import typer

from facade.cli import failure
from facade.cli.metrics import Metrics
from facade.cli.report import Report
from facade.cli.running import prepared
from facade.cli.running import serve as serve_here
from facade.cli.supervisor import Supervisor
from facade.cli.target import ADDRESS
from facade.cli.watch import changes, look


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def serve(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:OBJECT",
            help="A facade.Server, a function that makes one, or an object or a class that "
            "implements a @facade.service.",
        ),
    ],
    address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where to listen; port 0 is any that is free. Else the Server's own, or "
            f"{ADDRESS}.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="So many processes share the port. One that dies is started again; SIGHUP "
            "replaces them one by one.",
        ),
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Start anew when a .py file under --app-dir changes.")
    ] = False,
    registry: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Announce services there: zookeeper://127.0.0.1:2181; may be repeated.",
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Tell Prometheus there what the process counts, or all workers together.",
        ),
    ] = None,
    app_dir: Annotated[str, typer.Option(metavar="DIR", help="Where the module is.")] = ".",
    log_level: Annotated[Level, typer.Option(help="What the log on stderr has.")] = Level.WARNING,
) -> None:
    """Serve until SIGINT or SIGTERM, then let calls under way end. A second signal ends at once."""
    level = log_level.value.upper()
    if workers is None and not reload:
        server = prepared(target, app_dir, address, registry or ())
        logging.basicConfig(level=level)
        with _metrics(metrics, workers=False) as told:
            failure.run(serve_here(server, lambda _: _tell(Report.of(server), None, told)))
        return

    def command(address: str | None, first: bool) -> list[str]:
        debug = ["--debug"] if failure.debug else []
        at = [] if address is None else ["--address", address]
        told = [word for url in registry or () for word in ("--registry", url)]
        options = ["--app-dir", app_dir, "--log-level", level, *at, *told, *(["--first"] * first)]
        return [sys.executable, "-m", "facade", *debug, "worker", *options, target]

    count = workers or 1
    before = look(app_dir) if reload else {}  # what is written from now on, a worker may miss
    logging.basicConfig(level=level)

    async def work(metrics: Metrics | None) -> int:
        return await Supervisor(
            command,
            count,
            address,
            lambda report: _tell(report, count, metrics),
            changes(app_dir, before) if reload else None,
            metrics,
        ).run()

    with _metrics(metrics, workers=True) as told:
        code = asyncio.run(work(told))
    # A signal that ended it has a negative number.
    raise typer.Exit(code if code >= 0 else 128 - code)


@contextmanager
def _metrics(address: str | None, *, workers: bool) -> Iterator[Metrics | None]:
    if address is None:
        yield None
        return
    with closing(Metrics(address, workers=workers)) as metrics:
        yield metrics


def _tell(report: Report, workers: int | None, metrics: Metrics | None) -> None:
    for line in report.lines(workers):
        typer.echo(line)
    if metrics is not None:
        typer.echo(f"metrics at {metrics.url}")
    sys.stdout.flush()
