# mypy: disable-error-code="empty-body"
"""What the providers of the tour offer: the kitchen cooks, the waiter takes orders to it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import facade


@dataclass(frozen=True)
class Order:
    dish: str
    portions: int = 1


@dataclass(frozen=True)
class Meal:
    dish: str
    portions: int
    table: str
    process: int


@dataclass(frozen=True)
class Hop:
    """What a provider saw of a call. ``time_left`` is in seconds."""

    provider: str
    caller: str
    attachments: dict[str, str]
    time_left: float


@facade.error("tour.SoldOut")
class SoldOut(Exception):
    def __init__(self, dish: str, left: int) -> None:
        super().__init__(f"only {left} of {dish} left")
        self.dish = dish
        self.left = left


@facade.service("tour.Kitchen")
class Kitchen:
    async def cook(self, order: Order) -> Meal: ...

    async def cooked(self) -> int:
        """How many orders were begun."""

    async def bake(self) -> str: ...

    async def simmer(self, seconds: float) -> str: ...

    def serve(self, dishes: AsyncIterator[str]) -> AsyncIterator[str]:
        """Each dish as soon as it is ready."""

    async def look(self) -> list[Hop]: ...

    async def news(self) -> str:
        """Waits for the next thing that happened, and tells it."""

    async def chains(self) -> list[str]: ...

    @facade.method(oneway=True)
    async def note(self, line: str) -> None: ...


@facade.service("tour.Waiter")
class Waiter:
    async def order(self, order: Order) -> Meal: ...

    async def dawdle(self, seconds: float) -> None:
        """Orders only after so long."""

    async def look(self) -> list[Hop]: ...

    async def news(self) -> str: ...

    async def chains(self) -> list[str]: ...


@facade.service("tour.Menu", group="lunch", version="1.0.0")
class Menu:
    async def dishes(self) -> list[str]: ...
