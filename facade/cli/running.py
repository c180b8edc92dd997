"""A server in this process, until it is told to stop."""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from facade.cli import failure
from facade.cli.target import NoTarget, load
from facade.provider.server import Server


def prepared(
    target: str, app_dir: str, address: str | None, registries: Sequence[str] = ()
) -> Server:
    """The server of what is named, announced at these registries; else it ends the command."""
    try:
        server = load(target, app_dir, address)
        for registry in registries:
            server.announcer.use(registry, server.address)
        return server
    except NoTarget as error:
        failure.fail(str(error), failure.USAGE)
    except Exception as error:
        if failure.debug:
            traceback.print_exc()
        failure.fail(f"{target}: {failure.told(error)}{_where(error, app_dir)}")


def _where(error: Exception, app_dir: str) -> str:
    """The line of the user's code that led to it; nothing where none did."""
    folder = str(Path(app_dir).resolve()) + os.sep
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith(folder) and "site-packages" not in frame.filename:
            return f" ({frame.filename}, line {frame.lineno})"
    return ""


def place(server: Server) -> str:
    """Where it listens, with the port that it got."""
    host, _, port = server.address.rpartition(":")
    return f"{host}:{server.port}" if port == "0" else server.address


async def serve(server: Server, started: Callable[[asyncio.Event], None]) -> None:
    """Serve until SIGINT or SIGTERM, or until the event is set that ``started`` gets, and stop
    in peace; at a second signal at once."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    def stop(number: int) -> None:
        if stopping.is_set():
            sys.stdout.flush()
            os._exit(128 + number)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    async with server:
        started(stopping)
        ends = [asyncio.ensure_future(end) for end in (stopping.wait(), server.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
