"""A provider's process: kitchen [PORT], or waiter KITCHEN'S-PORT. It prints its port."""

import asyncio
import logging
import signal
import sys

import facade
from examples.tour import kitchen, waiter
from examples.tour.interfaces import Waiter
from examples.tour.news import News
from examples.tour.stopwatch import Stopwatch


async def serve(server: facade.Server) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_reader(sys.stdin)
        stopping.append(asyncio.ensure_future(server.stop()))

    stopping: list[asyncio.Future[None]] = []
    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_reader(sys.stdin, stop)  # it ends when the tour does, however that ended
    async with server:
        print(server.port, flush=True)
        await server.wait()


async def serve_kitchen(news: News, port: str = "0") -> None:
    server = facade.Server(f"127.0.0.1:{port}", filters=[Stopwatch("time-in-kitchen")])
    kitchen.export(server, news)
    await serve(server)


async def serve_waiter(news: News, port: str) -> None:
    server = facade.Server(filters=[Stopwatch("time-with-waiter")])
    address = f"127.0.0.1:{port}"
    async with facade.AsyncClient(address, application="waiter", timeout=10) as client:
        server.export(Waiter, waiter.WaiterImpl(server, client, news))
        await serve(server)


def main(role: str, *port: str) -> None:
    news = News()
    logging.getLogger("facade").addHandler(news)
    asyncio.run({"kitchen": serve_kitchen, "waiter": serve_waiter}[role](news, *port))


if __name__ == "__main__":
    main(*sys.argv[1:])
