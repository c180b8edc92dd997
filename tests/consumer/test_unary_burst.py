"""Unary calls, very many at once."""

import asyncio

import facade


@facade.service("demo.Numbers")
class Numbers:
    async def next(self, n: int) -> int:
        return n + 1


async def test_a_burst_is_answered():
    """gRPC's server cancels calls at random where a thousand wait to be taken. Ours must not."""
    async with facade.Server() as server:
        server.export(Numbers, Numbers())
        address = f"127.0.0.1:{server.port}"
        async with facade.AsyncClient(address, timeout=50.0, unary=True) as client:
            numbers = client.refer(Numbers)
            answers = await asyncio.gather(*map(numbers.next, range(3000)))
            assert answers == list(range(1, 3001))
