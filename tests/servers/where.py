"""A provider as a process: ``where.py REGISTRY PORT HOST``. It says when it is announced."""

import asyncio
import os
import signal
import sys

import facade


@facade.service("test.Where")
class Where:
    async def where(self) -> int: ...

    @facade.method(idempotent=True)
    async def look(self) -> int: ...

    async def linger(self) -> int: ...


class Here(Where):
    async def where(self) -> int:
        return os.getpid()

    async def look(self) -> int:
        return os.getpid()

    async def linger(self) -> int:
        await asyncio.sleep(0.05)  # so that some are always under way
        return os.getpid()


async def main(registry: str, port: str, host: str) -> None:
    server = facade.Server(f"{host}:{port}", registry=registry)
    server.export(Where, Here())
    await server.start()
    print(server.port, flush=True)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    await server.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
