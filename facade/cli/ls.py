"""``facade ls``: what a provider exports."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer

from facade.cli import failure
from facade.cli.duration import shown
from facade.cli.provider import Target, connected, find_services
from facade.cli.tls import Tls
from facade.cli.value import escaped
from facade.core.log import printable
from facade.exchange.description import (
    MethodDescription,
    ParameterDescription,
    ProviderDescription,
    ServiceDescription,
)


def ls(
    target: Target,
    service: Annotated[
        str, typer.Argument(help="Only this one: its name, or group/name:version.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    tls: Tls = None,
) -> None:
    """List the services of a provider, and the signatures of their methods."""

    async def work() -> None:
        async with connected(target, tls) as client:
            provider = await client.describe()
        try:
            found = find_services(provider, service) if service else list(provider.services)
        except LookupError as error:
            failure.fail(str(error))
        if json:
            chosen = ProviderDescription(tuple(found), provider.application)
            typer.echo(escaped(msgspec.json.encode(chosen).decode()))
            return
        for line in lines(found):
            typer.echo(printable(line))

    failure.run(work())


def lines(services: list[ServiceDescription]) -> Iterator[str]:
    """A line for each service and method; signatures are of one width."""
    for service in services:
        yield f"{service.key}   {service.summary}".rstrip()
        signatures = {name: signature(m) for name, m in service.methods.items()}
        width = max(map(len, signatures.values()), default=0)
        for name, method in service.methods.items():
            notes = "   ".join(_notes(service, method))
            yield f"  {signatures[name]:{width}}   {notes}".rstrip()


def signature(method: MethodDescription) -> str:
    """``hello(name: str, *, loud: bool = ...) -> str``."""
    returns = f" -> {method.returns}" if method.returns else ""
    return f"{method.name}({', '.join(_parameters(method.parameters))}){returns}"


def _parameters(parameters: tuple[ParameterDescription, ...]) -> Iterator[str]:
    starred = False
    for parameter in parameters:
        if parameter.keyword_only and not starred:
            starred = True
            yield "*"
        stated = f": {parameter.type}" if parameter.type else ""
        default = (" = ..." if stated else "=...") if parameter.optional else ""
        yield f"{parameter.name}{stated}{default}"


def _notes(service: ServiceDescription, method: MethodDescription) -> Iterator[str]:
    timeout = method.timeout or service.timeout
    if timeout is not None:
        yield f"timeout {shown(timeout)}"
    if method.oneway:
        yield "oneway"
    if method.idempotent:
        yield "idempotent"
    if method.summary:
        yield f"# {method.summary}"
