"""A provider in a process of its own: python -m tests.faults.provider JOURNAL SETTINGS

SETTINGS: the Server's, as JSON. "log_level" among them is that of the log, on standard error.
"""

import asyncio
import json
import logging
import signal
import sys

import facade
from tests.faults.work import Work, WorkImpl


async def serve(journal: str, settings: dict[str, object]) -> None:
    logging.basicConfig(level=str(settings.pop("log_level", "WARNING")))
    export = settings.pop("export", {})
    assert isinstance(export, dict)
    address = str(settings.pop("address", "127.0.0.1:0"))
    server = facade.Server(address, **settings)  # type: ignore[arg-type]
    server.export(Work, WorkImpl(journal, server), **export)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with server:
        print(f"listening at {server.port}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], json.loads(sys.argv[2])))
