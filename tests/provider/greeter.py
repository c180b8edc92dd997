"""What the servers of these tests export, and who calls it."""

import asyncio

import facade


@facade.service("server.Greeter", version="1.0")
class Greeter:
    async def hello(self, name: str, *, loud: bool = False) -> str: ...

    async def wait(self) -> str: ...


class GreeterImpl(Greeter):
    """``wait`` ends once it is released."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.released = asyncio.Event()

    async def hello(self, name: str, *, loud: bool = False) -> str:
        return f"Hello {name}"

    async def wait(self) -> str:
        self.started.set()
        await self.released.wait()
        return "done"


def make(impl: GreeterImpl | None = None, **settings) -> facade.Server:
    server = facade.Server("127.0.0.1:0", **settings)
    server.export(Greeter, impl or GreeterImpl())
    return server


async def serve(impl: GreeterImpl | None = None, **settings) -> facade.Server:
    server = make(impl, **settings)
    await server.start()
    return server


def connect(server: facade.Server, **settings) -> facade.AsyncClient:
    return facade.AsyncClient(f"127.0.0.1:{server.port}", **{"timeout": 30, **settings})
