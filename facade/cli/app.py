"""The commands together."""

import importlib.metadata
import sys
from typing import Annotated

import typer

from facade.cli import failure
from facade.cli.bench import bench
from facade.cli.call import call
from facade.cli.ls import ls
from facade.cli.ping import ping
from facade.cli.protos import protos
from facade.cli.serve import serve
from facade.cli.stubs import stubs
from facade.cli.worker import worker

EPILOG = (
    "Exit codes: 0 all went well; 1 the call, or what was to be done, failed; 2 wrong usage; "
    "69 the provider can't be reached (ping: 1); 130 interrupted."
)

app = typer.Typer(
    name="facade",
    help="Serve, call and look at services of facade.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (serve, call, ls, ping, bench, protos, stubs):
    app.command()(command)
app.command(hidden=True)(worker)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"facade-rpc {importlib.metadata.version('facade-rpc')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks of what went wrong.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it, and end.")
    ] = False,
) -> None:
    """Serve, call and look at services of facade."""
    failure.debug = debug


def run() -> None:
    try:
        app(prog_name="facade")
    except Exception as error:
        if failure.debug:
            raise
        sys.exit(f"facade: {type(error).__name__}: {error} (--debug shows where)")
