"""A provider for Dubbo's consumers: python -m examples.interop.dubbo.provider [ADDRESS]

It prints the address at which it listens, and serves until it is told to stop.
"""

# ruff: noqa: N802 - methods are called as in petstore.proto

import asyncio
import signal
import sys

import facade
from examples.interop.dubbo.interface import PetStore
from examples.interop.dubbo.petstore.petstore_pb2 import (
    AdoptReply,
    AdoptRequest,
    BaggageReply,
    BaggageRequest,
    NapReply,
    NapRequest,
)


class Shop(PetStore):
    def __init__(self, group: str = "") -> None:
        self.group = group

    async def Adopt(self, request: AdoptRequest) -> AdoptReply:
        if request.name == "Nobody":
            raise ValueError("nobody is called Nobody")
        return AdoptReply(name=request.name, shop=self.group)

    async def Baggage(self, request: BaggageRequest) -> BaggageReply:
        facade.RpcContext.response_attachments()["seen-by"] = "python"
        received = facade.RpcContext.server_attachments()
        countdown = facade.RpcContext.countdown()
        return BaggageReply(
            attachments={name: value for name, value in received.items() if isinstance(value, str)},
            time_left_ms=int(countdown.remaining * 1000) if countdown else 0,
        )

    async def Nap(self, request: NapRequest) -> NapReply:
        await asyncio.sleep(request.seconds)
        return NapReply(seconds=request.seconds)


async def main(address: str) -> None:
    server = facade.Server(address, application="python-petstore")
    server.export(PetStore, Shop())
    server.export(PetStore, Shop("north"), group="north")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        print(f"listening at 127.0.0.1:{server.port}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:] or ["127.0.0.1:0"]))
