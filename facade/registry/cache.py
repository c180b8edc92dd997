"""The last lists, kept in a file for the day when the registry is down at the start."""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from facade.core.log import get_logger
from facade.registry.listing import entry
from facade.registry.provider import Provider

logger = get_logger(__name__)


class CacheFile:
    """Providers by what was asked for. One process keeps one such file. What can't be read or
    written is logged, and is as good as empty."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lists: dict[str, Any] | None = None
        self._writing: asyncio.Future[None] | None = None
        self._dirty = False

    def load(self, key: str) -> list[Provider]:
        """The last list. Blocks."""
        try:
            return msgspec.convert(self._read().get(key, []), list[Provider])
        except (msgspec.ValidationError, ValueError) as error:
            logger.warning("%s is not used: %s", self._path, error)
            return []

    def save(self, key: str, providers: Sequence[Provider]) -> None:
        """Keep this list. It is written in a thread, lists that follow soon in one go."""
        if self._lists is None:
            self._lists = self._read()
        self._lists[key] = [entry(provider) for provider in providers]
        self._dirty = True
        if self._writing is None:
            self._write_soon()

    async def close(self) -> None:
        """Wait until all is written."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    def _write_soon(self) -> None:
        self._dirty = False
        text = json.dumps(self._lists, indent=2)
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(None, self._write, text)
        self._writing.add_done_callback(self._written)

    def _written(self, done: "asyncio.Future[None]") -> None:
        self._writing = None
        if self._dirty:
            self._write_soon()

    def _read(self) -> dict[str, Any]:
        try:
            read = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            logger.warning("%s is not used: %s", self._path, error)
            return {}
        return read if isinstance(read, dict) else {}

    def _write(self, text: str) -> None:
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            new.write_text(text, encoding="utf-8")
            new.replace(self._path)
        except OSError as error:
            logger.warning("%s is not written: %s", self._path, error)
