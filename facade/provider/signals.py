"""A server that runs until its process is told to end."""

import asyncio
import signal
from typing import Protocol

from facade.core.log import get_logger

logger = get_logger(__name__)


class Stoppable(Protocol):
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def wait(self) -> None: ...


async def serve(server: Stoppable) -> None:
    """Until SIGINT or SIGTERM: then stop in peace."""
    loop = asyncio.get_running_loop()
    stops: list[asyncio.Future[None]] = []

    def stop(number: int) -> None:
        logger.info("%s: stopping", signal.Signals(number).name)
        stops.append(asyncio.ensure_future(server.stop()))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    await server.start()
    try:
        await server.wait()
    finally:
        await server.stop()
