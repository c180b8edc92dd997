"""The hidden command that ``facade serve`` starts as a process, for each worker."""

import asyncio
import logging
import socket
from typing import Annotated

import msgspec
import typer

from facade.cli import failure
from facade.cli.port import claim
from facade.cli.report import Report
from facade.cli.running import prepared, serve
from facade.cli.target import NoTarget


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
        logging.basicConfig(level=log_level)
        server.reuse_port = True
        held = None
        if first:
            try:
                held, server.address = claim(server.address)
            except NoTarget as error:
                failure.fail(str(error), failure.USAGE)
            except OSError as error:
                failure.fail(str(error))

        def started(stopping: asyncio.Event) -> None:
            parent.sendall(msgspec.json.encode(Report.of(server)) + b"\n")
            # Nothing ever comes: it ends when the parent does, whatever has ended him.
            asyncio.get_running_loop().add_reader(parent, stopping.set)

        failure.run(serve(server, started))
        if held is not None:
            held.close()
