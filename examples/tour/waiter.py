"""Provider B, which calls A."""

import asyncio

import facade
from examples.tour.interfaces import Hop, Kitchen, Meal, Order, Waiter
from examples.tour.kitchen import see
from examples.tour.news import News


class WaiterImpl(Waiter):
    def __init__(self, server: facade.Server, client: facade.AsyncClient, news: News) -> None:
        self._server = server
        self._client = client
        self._kitchen = client.refer(Kitchen)
        self._news = news

    async def order(self, order: Order) -> Meal:
        return await self._kitchen.cook(order)

    async def dawdle(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        try:
            await self._kitchen.cook(Order("soup"))
        except facade.DeadlineExceeded as error:
            self._news.tell(f"{error.code.name}, {error.sent.value}: {error}")

    async def look(self) -> list[Hop]:
        here = see("waiter")
        await asyncio.sleep(0.1)
        return [here, *await self._kitchen.look()]

    async def news(self) -> str:
        return await self._news.next()

    async def chains(self) -> list[str]:
        """Its own, and that of its calls to the kitchen."""
        ours = [repr(exporter.invoker) for exporter in self._server.exporters]
        return [*ours, repr(self._client.invoker)]
