"""gRPC and fork: a child of a process that used gRPC can't, and would wait in vain."""

import atexit
import os
import threading
from contextlib import suppress

_user: int | None = None


def check() -> None:
    """RuntimeError, with what to do, in a child that gRPC will not work in."""
    if _user not in (None, os.getpid()):
        raise RuntimeError(
            "gRPC was in use in this process before it forked, and does not work in the child: "
            "fork before the first call and the first server, or start processes by "
            "multiprocessing's 'spawn'"
        )


def claim() -> None:
    """gRPC is used here from now on: see ``check``."""
    global _user
    check()
    if _user is None:
        os.register_at_fork(before=_hold, after_in_parent=_let_go)
        atexit.register(_hold_at_exit)
    _user = os.getpid()


# The last object of grpc.aio that goes waits for the thread of all of them, which a child has
# not: a collection of garbage there would never end. So the child keeps what gRPC had. And at the
# interpreter's end that object goes after the modules which it asks, and complains: so it is kept.


def _hold() -> None:
    import grpc.aio

    with suppress(RuntimeError):  # it holds, and then asks for the loop of a thread that has none
        grpc.aio.init_grpc_aio()


def _hold_at_exit() -> None:
    # Where all was closed there is no thread, and holding would begin one.
    if any("_poll_wrapper" in thread.name for thread in threading.enumerate()):
        _hold()


def _let_go() -> None:
    import grpc.aio

    grpc.aio.shutdown_grpc_aio()
