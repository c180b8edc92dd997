"""``facade stubs``: interfaces to write code against."""

import ast
from pathlib import Path
from typing import Annotated

import typer

from facade.cli import compiled, described, failure
from facade.cli.provider import connected, find_services
from facade.cli.tls import Tls


def stubs(
    origin: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS|FILE.proto", help="A provider, at host:port, or a .proto file."
        ),
    ],
    service: Annotated[str, typer.Argument(help="Of a provider, only this service.")] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it there.")
    ] = None,
    include: Annotated[
        list[Path] | None,
        typer.Option(
            "-I",
            "--include",
            metavar="DIR",
            help="Where the .proto file, and what it imports, is looked for; may be repeated. "
            "Else the folder that the file is in.",
        ),
    ] = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Methods with def, for Client, not async def.")
    ] = False,
    tls: Tls = None,
) -> None:
    """Write typed Python interfaces of the services of a provider, or of a .proto file.

    Of a provider it has the types that Python itself brings; others become Any, and a comment has
    their names. Of a .proto file (this needs the extra "stubs") methods take and give the
    messages that protoc makes of it, and streams of them are AsyncIterator.
    """
    if origin.endswith(".proto"):
        text = _of_file(Path(origin), include or [], sync)
    else:
        text = _of_provider(origin, service, sync, tls)
    ast.parse(text)  # a mistake of ours must not become a file of the user's
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        failure.fail(f"cannot write: {error}")


def _of_file(file: Path, include: list[Path], sync: bool) -> str:
    if not file.is_file():
        raise typer.BadParameter(f"there is no file {file}")
    try:
        return compiled.write(file, include, sync=sync)
    except compiled.NotCompiled as error:
        failure.fail(str(error))


def _of_provider(target: str, service: str, sync: bool, tls: list[str] | None) -> str:
    async def work() -> str:
        async with connected(target, tls) as client:
            provider = await client.describe()
        try:
            found = find_services(provider, service) if service else provider.services
        except LookupError as error:
            failure.fail(str(error))
        return described.write(found, client.target, sync=sync)

    return failure.run(work())
