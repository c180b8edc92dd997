"""A process that measures its own beginning, and prints milliseconds: see start.py.

    python -m benchmarks.first import|facade|bare [PORT]

Nothing is imported here that is not measured, or grpc's own.
"""

import sys
from time import perf_counter


def importing() -> float:
    import grpc  # noqa: F401

    start = perf_counter()
    import facade

    # What a consumer and a provider begin with is in it, should it be loaded only when asked for.
    assert None not in (facade.AsyncClient, facade.Server)
    return perf_counter() - start


def calling_facade(port: str) -> float:
    import asyncio

    import facade
    from benchmarks.echo import TEXT, Echo

    make = facade.AsyncClient  # what this loads is part of importing

    async def call() -> None:
        async with make(f"127.0.0.1:{port}", timeout=30.0) as client:
            assert await client.refer(Echo).echo(TEXT) == TEXT
            ended.append(perf_counter())

    ended: list[float] = []
    start = perf_counter()
    asyncio.run(call())
    return ended[0] - start


def calling_bare(port: str) -> float:
    import asyncio

    import grpc.aio

    from benchmarks.echo import BARE, BYTES

    async def call() -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert await channel.unary_unary(BARE)(BYTES, timeout=30.0) == BYTES
            ended.append(perf_counter())

    ended: list[float] = []
    start = perf_counter()
    asyncio.run(call())
    return ended[0] - start


def main(what: str, port: str = "") -> None:
    if what == "import":
        taken = importing()
    elif what == "facade":
        taken = calling_facade(port)
    else:
        taken = calling_bare(port)
    print(taken * 1000)


if __name__ == "__main__":
    main(*sys.argv[1:])
