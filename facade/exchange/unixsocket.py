"""The files of unix sockets."""

import contextlib
import os
import socket
from collections.abc import Iterator

# gRPC's forms of a target.
PREFIXES = ("unix:", "unix-abstract:")


def is_unix(target: str) -> bool:
    return target.startswith(PREFIXES)


def path_of(address: str) -> str | None:
    """Of the socket's file, where it has one."""
    if not address.startswith("unix:"):
        return None
    path = address.removeprefix("unix:")
    return path.removeprefix("//") if path.startswith("///") else path


def check_free(address: str) -> None:
    """OSError where somebody listens there: gRPC would take the file away from him.

    What a process has left that was killed is in nobody's way.
    """
    path = path_of(address)
    if path is None or not os.path.exists(path):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # somebody whose queue is full is there too
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return
        except OSError as error:
            if isinstance(error, BlockingIOError):
                pass
            else:
                raise OSError(f"cannot listen at {address}: {error.strerror}") from None
    raise OSError(f"cannot listen at {address}: another process listens there")


@contextlib.contextmanager
def made_with(address: str, mode: int | None) -> Iterator[None]:
    """A file that is made in this block has that mode, and never had a wider one."""
    path = path_of(address)
    if path is None or mode is None:
        yield
        return
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)
    os.chmod(path, mode)
