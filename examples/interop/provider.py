"""A provider for programs of other languages: python -m examples.interop.provider [ADDRESS]

It prints the address at which it listens, and serves until it is told to stop.
"""

import asyncio
import signal
import sys

import facade
from examples.interop.interface import Greeter


class PythonGreeter(Greeter):
    async def hello(self, name: str) -> str:
        return f"Hello {name}"

    async def add(self, a: int, b: int = 1) -> int:
        return a + b

    async def fail(self, text: str) -> str:
        raise ValueError(text)

    async def sleep(self, seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    async def baggage(self) -> dict[str, str]:
        facade.RpcContext.response_attachments()["seen-by"] = "python"
        received = facade.RpcContext.server_attachments()
        return {name: value for name, value in received.items() if isinstance(value, str)}


async def main(address: str) -> None:
    server = facade.Server(address, application="interop")
    server.export(Greeter, PythonGreeter())
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        print(f"listening at 127.0.0.1:{server.port}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:] or ["127.0.0.1:0"]))
