"""Values of calls as JSON: what a person types, and what he is shown."""

import base64
import binascii
import json
import re
import sys
from typing import Any

import msgspec
import typer
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

from facade.codec.payload import to_json
from facade.exchange.description import MethodDescription

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

# Not what ends with "=" alone: base64 does.
_NAMED = re.compile(r"([A-Za-z_]\w*)=(?!=*$)(.+)", re.DOTALL)


def read_arguments(texts: list[str]) -> Arguments:
    """Each is JSON, or a bare word that is text; ``name=JSON`` is by name. BadParameter where
    they are given in both ways, or a name comes twice."""
    by_place: list[Any] = []
    by_name: dict[str, Any] = {}
    for text in texts:
        match = _NAMED.fullmatch(text)
        if match is None:
            by_place.append(_read(text))
        elif match[1] in by_name:
            raise typer.BadParameter(f"{match[1]!r} is given twice")
        else:
            by_name[match[1]] = _read(match[2])
    if by_place and by_name:
        raise typer.BadParameter("give all arguments by position, or all by name")
    return tuple(by_place), by_name


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        if text.lstrip()[:1] in tuple('{["'):
            raise typer.BadParameter(f"{text!r} begins like JSON, and is none: {error}") from None
        return text


def with_bytes(arguments: Arguments, method: MethodDescription | None) -> Arguments:
    """The same, with bytes for the base64 of JSON where the method takes bytes."""
    if method is None:
        return arguments
    takers = {p.name for p in method.parameters if p.type in ("bytes", "bytes | None")}
    if not takers:
        return arguments
    places = [p.name for p in method.parameters] + [""] * len(arguments[0])
    return (
        tuple(_bytes(v) if n in takers else v for n, v in zip(places, arguments[0], strict=False)),
        {n: _bytes(v) if n in takers else v for n, v in arguments[1].items()},
    )


def _bytes(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise typer.BadParameter(f"{value!r} is no base64, and the method takes bytes") from None


def to_text(value: Any) -> str:
    """Compact JSON: bytes as base64, dates in ISO 8601, what has no JSON as text."""
    return msgspec.json.encode(value, enc_hook=_plain).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, AnyMessage):
        return _any(value)
    if isinstance(value, Message):
        return to_json(value)
    return str(value)


def _any(value: AnyMessage) -> Any:
    try:
        return to_json(value)
    except (TypeError, KeyError):  # its type is not known here
        return {"@type": value.type_url, "value": value.value}


def show(value: Any, *, compact: bool = False) -> None:
    """Print it: in colours and indented at a terminal, else in one line."""
    text = to_text(value)
    if compact or not sys.stdout.isatty():
        typer.echo(escaped(text))
        return
    from rich.console import Console
    from rich.highlighter import JSONHighlighter

    indented = escaped(json.dumps(json.loads(text), indent=2, ensure_ascii=False))
    Console().print(JSONHighlighter()(indented), soft_wrap=True)


def escaped(text: str) -> str:
    """The same JSON, with nothing in it that moves a cursor or turns the writing round."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
