"""Provider A."""

import asyncio
import os
from collections.abc import AsyncIterator
from time import monotonic

import facade
from examples.tour.interfaces import Hop, Kitchen, Meal, Menu, Order, SoldOut
from examples.tour.news import News

PORTIONS = {"soup": 20, "pie": 4}


class OvenOnFire(Exception):
    """Known here alone."""


class KitchenImpl(Kitchen):
    def __init__(self, server: facade.Server, news: News) -> None:
        self._server = server
        self._news = news
        self._begun = 0

    async def cook(self, order: Order) -> Meal:
        self._begun += 1
        left = PORTIONS[order.dish]
        if order.portions > left:
            raise SoldOut(order.dish, left)
        table = facade.RpcContext.server_attachments().get("table", "")
        facade.RpcContext.response_attachments()["stove"] = "2"
        return Meal(order.dish, order.portions, str(table), os.getpid())

    async def cooked(self) -> int:
        return self._begun

    async def bake(self) -> str:
        raise OvenOnFire("call somebody")

    async def simmer(self, seconds: float) -> str:
        self._news.tell("simmering began")
        start = monotonic()
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self._news.tell(f"simmering was cancelled after {monotonic() - start:.2f} s")
            raise
        self._news.tell(f"simmering ended after {monotonic() - start:.2f} s")
        return f"simmered for {seconds:g} s"

    async def serve(self, dishes: AsyncIterator[str]) -> AsyncIterator[str]:
        async for dish in dishes:
            yield f"hot {dish}"

    async def look(self) -> list[Hop]:
        return [see("kitchen")]

    async def news(self) -> str:
        return await self._news.next()

    async def chains(self) -> list[str]:
        return [repr(exporter.invoker) for exporter in self._server.exporters]

    async def note(self, line: str) -> None:
        self._news.tell(f"a note: {line}")


class Dishes:
    """A menu. Its method is not async, so it runs in a thread; nor need it derive from Menu."""

    def __init__(self, *dishes: str) -> None:
        self._dishes = list(dishes)

    def dishes(self) -> list[str]:
        return self._dishes


def see(provider: str) -> Hop:
    """The call that is served here."""
    countdown = facade.RpcContext.countdown()
    return Hop(
        provider=provider,
        caller=facade.RpcContext.service().remote_application,
        attachments={k: str(v) for k, v in facade.RpcContext.server_attachments().items()},
        time_left=countdown.remaining if countdown is not None else 0.0,
    )


def export(server: facade.Server, news: News) -> None:
    server.export(Kitchen, KitchenImpl(server, news))
    server.export(Menu, Dishes("soup"))
    server.export(Menu, Dishes("pie", "roast"), group="dinner")
    server.export(Menu, Dishes("pie", "roast", "risotto"), group="dinner", version="2.0.0")
