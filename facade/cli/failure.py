"""How a command fails: a line on stderr, and an exit code."""

import asyncio
import traceback
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

import typer

from facade.core.errors import RpcError, Sent, Unavailable
from facade.core.log import printable
from facade.loops import new_event_loop

T = TypeVar("T")

FAILED = 1
USAGE = 2
UNREACHABLE = 69  # EX_UNAVAILABLE of sysexits.h
INTERRUPTED = 130

# Whether to show tracebacks: the option --debug.
debug = False


def say(message: str) -> None:
    """Tell of an error. What a peer says of it does nothing else to a terminal."""
    typer.echo(f"error: {printable(message)}", err=True)


def fail(message: str, code: int = FAILED) -> NoReturn:
    """End the command."""
    say(message)
    raise typer.Exit(code)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine. What it raises ends the command."""
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except (typer.Exit, typer.BadParameter, BrokenPipeError):  # typer ends quietly at a closed pipe
        raise
    except Exception as error:
        if debug:
            traceback.print_exc()
        fail(told(error), UNREACHABLE if unreachable(error) else FAILED)


def unreachable(error: BaseException) -> bool:
    return isinstance(error, Unavailable) and error.sent is Sent.NOT_SENT and not error.remote


def told(error: BaseException) -> str:
    """An error in one line: what it is, what it says, and whether the call may have run."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    if unreachable(error):
        return text.removeprefix("ready(): ")
    if not isinstance(error, RpcError):
        return f"{name}: {text}" if text else name
    return f"{name}: {text} ({kind(error)}, {error.sent.value})"


def kind(error: BaseException) -> str:
    """What errors are counted by: Dubbo's code and gRPC's status, or the class."""
    if isinstance(error, RpcError):
        return f"{error.code.name}, {error.status.name}"
    return type(error).__name__
