"""The hidden command that ``facade serve`` starts as a process, for each worker."""

import logging
import socket
from typing import Annotated

import typer

from facade.cli import failure
from facade.cli.line import Line
from facade.cli.port import claim
from facade.cli.running import prepared, serve
from facade.cli.target import NoTarget

# All write to the standard error of their parent: each line says whose it is.
LOG = "worker %(process)d: %(levelname)s:%(name)s:%(message)s"


def worker(
    target: str,
    line: Annotated[int, typer.Option(help="File descriptor of the socket to the parent.")],
    app_dir: str = ".",
    address: str | None = None,
    first: bool = False,
    log_level: str = "WARNING",
    registry: Annotated[list[str] | None, typer.Option()] = None,
) -> None:
    """One of the processes of facade serve."""
    with socket.socket(fileno=line) as parent:
        server = prepared(target, app_dir, address, registry or ())
        logging.basicConfig(level=log_level, format=LOG)
        server.reuse_port = True
        held = None
        try:
            told = Line(parent, server)
            if first:
                held, server.address = claim(server.address)
        except (NoTarget, ValueError) as error:
            failure.fail(str(error), failure.USAGE)
        except OSError as error:
            failure.fail(str(error))
        failure.run(serve(server, told.started))
        if held is not None:
            held.close()
