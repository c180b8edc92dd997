"""What happened at a provider, told to whoever asks: a provider has no screen in the tour."""

import asyncio
import logging


class News(logging.Handler):
    """Also what the library logs as a warning."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told: asyncio.Queue[str] = asyncio.Queue()

    def tell(self, line: str) -> None:
        self._told.put_nowait(line)

    def emit(self, record: logging.LogRecord) -> None:
        self.tell(f"log: {record.getMessage()}")

    async def next(self) -> str:
        return await self._told.get()
