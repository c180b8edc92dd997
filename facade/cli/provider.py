"""Reaching the provider that a command is about."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from facade.cli import tls
from facade.consumer.client import AsyncClient
from facade.core.errors import Unimplemented
from facade.core.hint import suggest
from facade.exchange.description import ProviderDescription, ServiceDescription

# Seconds to connect, and for the provider to say what it exports.
PATIENCE = 5.0


Target = Annotated[
    str,
    typer.Argument(
        metavar="ADDRESS",
        help="Where the provider is: host:port, unix:path, or a registry, as zookeeper://h:2181.",
    ),
]


@asynccontextmanager
async def connected(target: str, speak: list[str] | None) -> AsyncIterator[AsyncClient]:
    """A client that is connected. Raises Unavailable at the first attempt that fails, and
    BadParameter for a target that is none."""
    secure = tls.settings(speak)
    try:
        # The client's own timeout is for connecting here: no call is made with it.
        made = AsyncClient(
            target, timeout=PATIENCE, wait_for_ready=False, application="facade-cli", tls=secure
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    async with made as client:
        await client.ready()
        yield client


async def described(client: AsyncClient, service: str = "") -> ProviderDescription:
    """What the provider exports; nothing where it does not say."""
    try:
        return await client.describe(service)
    except Unimplemented:
        return ProviderDescription(())


def find_services(provider: ProviderDescription, wanted: str) -> list[ServiceDescription]:
    """Those of a name, or the one of a key. LookupError, which says what there is."""
    found = [s for s in provider.services if wanted in (s.name, s.key)]
    if not found:
        keys = [s.key for s in provider.services]
        raise LookupError(
            f"no service {wanted!r} here; {suggest(wanted, keys)}"
            f"there are: {', '.join(keys) or 'none at all'}"
        )
    return found
