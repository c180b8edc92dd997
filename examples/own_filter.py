"""A filter of one's own, on both sides of a call: python -m examples.own_filter"""

import asyncio
from time import perf_counter

import facade
from examples.greeter.interface import Greeter
from examples.greeter.provider import GreeterImpl


class Measure(facade.Filter):
    async def invoke(self, invoker: facade.Invoker, invocation: facade.Invocation) -> facade.Result:
        start = perf_counter()
        result = await invoker.invoke(invocation)
        print(f"{invocation} took {(perf_counter() - start) * 1000:.2f} ms in {invoker!r}")
        return result


async def main() -> None:
    server = facade.Server(filters=[Measure()])
    server.export(Greeter, GreeterImpl())
    async with server:
        address = f"127.0.0.1:{server.port}"
        async with facade.AsyncClient(address, timeout=10, filters=[Measure()]) as client:
            print(await client.refer(Greeter).hello("Ann"))
            print(client)
            print(*server.exporters)


if __name__ == "__main__":
    asyncio.run(main())
