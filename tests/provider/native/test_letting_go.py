"""What a server keeps of services that are called as gRPC methods of their own."""

import asyncio
import gc
import weakref

import pytest

import facade
from tests.provider.native.conftest import serving


@facade.service("demo.Shop")
class Shop:
    async def hello(self) -> str: ...


class ShopImpl(Shop):
    async def hello(self):
        return "hello"


async def test_what_was_called_and_unexported_is_let_go():
    """Its implementation does not live as long as the server."""
    async with serving() as server:
        implementation = ShopImpl()
        left = weakref.ref(implementation)
        exporter = server.export(Shop, implementation)
        del implementation
        async with facade.AsyncClient(
            f"127.0.0.1:{server.port}", native=True, timeout=20
        ) as client:
            shop = client.refer(Shop)
            assert await shop.hello() == "hello"
            exporter.unexport()
            del exporter
            # An older gRPC keeps what it served last.
            with pytest.raises(facade.Unimplemented):
                await shop.hello()
        async with asyncio.timeout(30):  # gRPC lets go of a call a little after its end
            while left() is not None:
                gc.collect()
                await asyncio.sleep(0.01)
