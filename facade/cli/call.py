"""``facade call``: one call."""

from typing import Annotated

import typer

from facade.cli import failure
from facade.cli.provider import Target
from facade.cli.tls import Tls
from facade.cli.value import show, to_text
from facade.cli.wanted import (
    ArgumentList,
    AttachmentList,
    Group,
    MethodName,
    Timeout,
    Version,
    Wanted,
)
from facade.core.context import RpcContext
from facade.core.log import printable


def call(
    target: Target,
    method: MethodName,
    arguments: ArgumentList = None,
    attach: AttachmentList = None,
    timeout: Timeout = None,
    json: Annotated[bool, typer.Option("--json", help="Print compact JSON, always.")] = False,
    group: Group = None,
    version: Version = None,
    tls: Tls = None,
    oneway: Annotated[
        bool, typer.Option("--oneway", help="Expect no answer, not even an error.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Tell on stderr what came with the answer.")
    ] = False,
) -> None:
    """Call a method, and print what it gives as JSON.

    The items of a stream are printed as they come, one a line.
    """
    wanted = Wanted(target, method, arguments, attach, timeout, group, version, tls)

    async def work() -> None:
        async with wanted.ready() as remote:
            if oneway:
                await remote.oneway()
                return
            try:
                value = await remote()
                if hasattr(value, "__aiter__"):
                    async for item in value:
                        show(item, compact=True)
                elif value is not None or json:
                    show(value, compact=json)
            finally:
                if verbose:
                    _show_attachments()

    failure.run(work())


def _show_attachments() -> None:
    for name, value in sorted(RpcContext.response_attachments().items()):
        text = value if isinstance(value, str) else to_text(value)
        line = f"{name}: {text}"
        typer.echo(printable(line, len(line)), err=True)
