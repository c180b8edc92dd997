"""How a command is told to speak TLS."""

from typing import Annotated

import typer

from facade.core.hint import hint
from facade.exchange.tls import ClientTls

ON = "on"

Tls = Annotated[
    list[str] | None,
    typer.Option(
        metavar=f"{ON}|NAME=VALUE",
        help="Speak TLS, and trust those whom gRPC trusts (on), or ca=FILE. certificate=FILE and "
        "key=FILE are your own, for mTLS; server_name=NAME is whose certificate it must be, if "
        "not the host's. May be repeated.",
    ),
]


def settings(words: list[str] | None) -> ClientTls | None:
    """None: no TLS. BadParameter for what can't be used."""
    if not words:
        return None
    facts = dict(_fact(word) for word in words if word != ON)
    try:
        return ClientTls(**facts)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"--tls: {error}") from None


def _fact(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    names = ClientTls.__struct_fields__
    if name not in names:
        there_are = f"there are: {ON}, {', '.join(names)}"
        raise typer.BadParameter(f"--tls {word}: {hint(name, names, there_are)}")
    if not value:
        raise typer.BadParameter(f"--tls {word}: write {name}=VALUE")
    return name, value
