"""Calls the greeter, with an event loop and without.

python -m examples.greeter.consumer [ADDRESS]
"""

import asyncio
import sys

import facade
from examples.greeter.interface import Greeter


async def with_asyncio(address: str) -> None:
    async with facade.AsyncClient(address, timeout=10) as client:
        greeter = client.refer(Greeter)
        print(await greeter.hello("Ann"))
        print(await asyncio.gather(*(greeter.hello(name) for name in ("Bob", "Cleo"))))
        await greeter.log("that was asyncio")


def without(address: str) -> None:
    with facade.Client(address, timeout=10) as client:
        greeter = client.refer(Greeter)
        print(greeter.hello("Dan"))  # waits, though the interface says async


def main(address: str = "127.0.0.1:50051") -> None:
    asyncio.run(with_asyncio(address))
    without(address)


if __name__ == "__main__":
    main(*sys.argv[1:])
