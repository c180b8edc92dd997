"""gRPC and fork: a child of a process that used gRPC can't, and would wait in vain."""

import os

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
    _user = os.getpid()
