"""Answer a call after its method has returned. (Dubbo: AsyncContextImpl)"""

import concurrent.futures
import threading
from contextvars import ContextVar
from typing import Any

from facade.core.invocation import Invocation
from facade.core.result import Result

# What was there before ``signal_context_switch``, and before the one before it.
_before: ContextVar[Any] = ContextVar("before", default=None)


class AsyncContext:
    """The answer of one call, to be written later and from anywhere.

    ``RpcContext.start_async()`` gives it, while the call is served; what the method
    returns after that is ignored. Any thread may use it. Where nothing is ever written,
    the consumer times out, and the provider lets the call go when its time is up.
    """

    __slots__ = ("_current", "_future", "_invocation", "_request", "_stopping")

    def __init__(self, invocation: Invocation, current: ContextVar[Any]) -> None:
        self._invocation = invocation
        # Where the request of the call is found, and is to be found on other threads.
        self._current = current
        self._request = current.get()
        self._stopping = threading.Lock()
        self._future: concurrent.futures.Future[Result] = concurrent.futures.Future()
        # Who waits for it may go away. What is written then is dropped, and is no error.
        self._future.set_running_or_notify_cancel()

    @property
    def future(self) -> concurrent.futures.Future[Result]:
        """Of what is written; for the invoker that waits for it."""
        return self._future

    def write(self, value: Any) -> None:
        """Answer with a value, or with an exception as if the method had raised it.

        RuntimeError where it is answered already, or stopped: exactly one write wins.
        """
        if not self.stop():
            raise RuntimeError(
                f"{self._invocation}: the answer was written already, by another thread perhaps, "
                "or this AsyncContext was stopped"
            )
        if isinstance(value, BaseException):
            self._future.set_result(Result(exception=value))
        else:
            self._future.set_result(Result(value))

    def stop(self) -> bool:
        """Let nothing be written any more. True for the first who does; a write is one."""
        return self._stopping.acquire(blocking=False)

    def signal_context_switch(self) -> None:
        """From here on ``RpcContext`` is that of the call, on this thread or in this task."""
        _before.set((self._current.get(), _before.get()))
        self._current.set(self._request)

    def reset_context(self) -> None:
        """Undo the last ``signal_context_switch`` of this thread or task."""
        if (before := _before.get()) is not None:
            request, earlier = before
            self._current.set(request)
            _before.set(earlier)

    def __repr__(self) -> str:
        return f"<AsyncContext of {self._invocation}>"
