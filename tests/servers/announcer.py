"""A process that announces a provider: python announcer.py REGISTRY ADDRESS. It prints "there" once
that is done, and stays until it is ended."""

import asyncio
import sys
import time

from facade.registry import Provider, open_registry


async def main(url: str, address: str) -> None:
    registry = open_registry(url)
    await registry.register(Provider(address, "demo.Greeter", started=time.time()))
    print("there", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
