"""A call that a command was told to make."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import typer

from facade.cli.duration import duration
from facade.cli.provider import connected, described
from facade.cli.streaming import has_streams, interface
from facade.cli.value import read_arguments, with_bytes
from facade.exchange.description import ProviderDescription, ServiceDescription

MethodName = Annotated[
    str, typer.Argument(metavar="SERVICE.METHOD", help="What to call, as demo.Greeter.hello.")
]
ArgumentList = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ARGUMENT",
        help="JSON each, as 3, true, '\"Ann\"', '[1, 2]'; a bare word that is no JSON is text. "
        "name=JSON is by name; then all are. Bytes are base64. After -- an argument may begin "
        "with a dash.",
    ),
]
AttachmentList = Annotated[
    list[str] | None,
    typer.Option("-a", "--attach", metavar="KEY=VALUE", help="Send this along; may be repeated."),
]
Group = Annotated[
    str | None, typer.Option(help="Group of the service. Needed where there are several.")
]
Version = Annotated[
    str | None, typer.Option(help="Version of the service. Needed where there are several.")
]
Timeout = Annotated[
    float | None,
    typer.Option(
        parser=duration,
        metavar="TIME",
        help="Longest that a call may take: 1s, 250ms, 2m, or seconds. Else what the provider "
        "publishes, else 5s.",
    ),
]


class Wanted:
    """BadParameter for what can't be a call."""

    def __init__(
        self,
        target: str,
        method: str,
        arguments: list[str] | None,
        attach: list[str] | None,
        timeout: float | None,
        group: str | None,
        version: str | None,
        tls: list[str] | None,
    ) -> None:
        self.target = target
        self.service, self.method = _split(method)
        self.arguments = read_arguments(arguments or [])
        self.attachments = dict(map(_attachment, attach or []))
        self.timeout = timeout
        self.group = group
        self.version = version
        self.tls = tls

    @asynccontextmanager
    async def ready(self) -> AsyncIterator["Ready"]:
        """Connected, so that it can be made. Raises Unavailable."""
        async with connected(self.target, self.tls) as client:
            known = self._find(await described(client, self.service))
            found = known.methods.get(self.method)
            if found is not None and has_streams(found):
                remote: Any = client.refer(interface(known, found))
                method = getattr(remote, self.method)
            else:
                generic = client.generic(self.service, group=known.group, version=known.version)
                method = generic.method(self.method)
            method = method.options(timeout=self.timeout, attachments=self.attachments)
            yield Ready(method, *with_bytes(self.arguments, found))

    def _find(self, provider: ProviderDescription) -> ServiceDescription:
        """The only one that fits; else what was asked for, and the provider's answer tells."""
        found = [
            s
            for s in provider.services
            if self.group in (None, s.group) and self.version in (None, s.version)
        ]
        if len(found) == 1:
            return found[0]
        return ServiceDescription(self.service, {}, self.group or "", self.version or "")


class Ready:
    """A call that may be made any number of times."""

    __slots__ = ("_arguments", "_keywords", "_method")

    def __init__(self, method: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        self._method = method
        self._arguments = arguments
        self._keywords = keywords

    def __call__(self) -> Any:
        return self._method(*self._arguments, **self._keywords)

    def oneway(self) -> Any:
        return self._method.oneway(*self._arguments, **self._keywords)


def _split(text: str) -> tuple[str, str]:
    service, _, method = text.rpartition(".")
    if not service or not method:
        raise typer.BadParameter(f"{text!r}: write service.method, as in demo.Greeter.hello")
    return service, method


def _attachment(text: str) -> tuple[str, str]:
    key, found, value = text.partition("=")
    if not key or not found:
        raise typer.BadParameter(f"{text!r}: write key=value")
    return key, value
