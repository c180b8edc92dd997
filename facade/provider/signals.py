"""A server that serves until its process is told to end."""

import asyncio
import logging
import signal
from typing import Any

logger = logging.getLogger(__name__)


async def serve_until_signal(server: Any) -> None:
    """Start a Server, and stop it in peace at SIGINT or SIGTERM."""
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Future[None]] = []

    def stop(number: int) -> None:
        logger.info("%s: stopping", signal.Signals(number).name)
        stopping.append(asyncio.ensure_future(server.stop()))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    async with server:
        await server.wait()
