"""What a call of a stub gives without asyncio: grpcio's call objects, for threads."""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, NamedTuple, NoReturn, TypeVar

import grpc

from facade.consumer.engine import Engine
from facade.consumer.stubs.conversation import Conversation
from facade.consumer.stubs.error import CANCELLED, as_grpc
from facade.core.errors import RpcError, Sent, Status
from facade.exchange.native import END
from facade.exchange.threads import FromThread, in_thread

T = TypeVar("T")


class Metadatum(NamedTuple):
    """One of the metadata, as grpcio's."""

    key: str
    value: str | bytes


class BlockingCall(grpc.Call):  # type: ignore[misc]
    """What all kinds have. Any thread may ask. It is cancelled when it is let go of."""

    def __init__(self, engine: Engine, conversation: Conversation) -> None:
        self._engine = engine
        self._conversation = conversation

        async def start() -> None:
            if conversation.rpc.streamed:  # its requests are walked in a thread
                (requests,) = conversation.invocation.arguments
                conversation.invocation.arguments = (FromThread(requests, in_thread),)
            conversation.start()

        self._wait(start)

    def __del__(self) -> None:
        conversation = getattr(self, "_conversation", None)
        if conversation is not None:
            conversation.abandon()

    def _wait(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        future = self._engine.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:  # the call goes with whom it was for
            self._conversation.abandon()
            raise

    def code(self) -> grpc.StatusCode:
        return self._wait(self._conversation.code)

    def details(self) -> str:
        return self._wait(self._conversation.details)

    def initial_metadata(self) -> tuple[Metadatum, ...]:
        return tuple(Metadatum(*pair) for pair in self._wait(self._conversation.initial_metadata))

    def trailing_metadata(self) -> tuple[Metadatum, ...]:
        return tuple(Metadatum(*pair) for pair in self._wait(self._conversation.trailing_metadata))

    def is_active(self) -> bool:
        return not self._conversation.done()

    def time_remaining(self) -> float | None:
        return self._conversation.time_remaining()

    def cancel(self) -> bool:
        async def cancel() -> bool:
            return self._conversation.cancel()

        return self._wait(cancel)

    def cancelled(self) -> bool:
        return self._conversation.cancelled()

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """False, and it is not called, where the call has ended. Called in a thread of its
        own: it may ask the call, and block."""

        async def add() -> bool:
            if self._conversation.done():
                return False
            self._conversation.add_callback(partial(_aside, callback))
            return True

        return self._wait(add)

    def __repr__(self) -> str:
        state = "under way" if self.is_active() else "ended"
        return f"<{type(self).__name__} of {self._conversation.invocation}, {state}>"


class FutureCall(BlockingCall, grpc.Future):  # type: ignore[misc]
    """A call with one answer, which is had later."""

    def __init__(self, engine: Engine, conversation: Conversation) -> None:
        super().__init__(engine, conversation)
        self._future = engine.submit(conversation.value)

    def done(self) -> bool:
        return self._future.done()

    def running(self) -> bool:
        return not self._future.done()

    def result(self, timeout: float | None = None) -> Any:
        """The answer; grpc.FutureTimeoutError after ``timeout`` seconds."""
        with _as_future(self._future):
            return self._future.result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        with _as_future(self._future):
            return self._future.exception(timeout)

    def traceback(self, timeout: float | None = None) -> Any:
        error = self.exception(timeout)
        return None if error is None else error.__traceback__

    def add_done_callback(self, fn: Callable[[Any], None]) -> None:
        """Called in a thread of its own, where it may ask the call, and block; at once where
        it is done."""
        if self.done():
            fn(self)
        else:
            self._future.add_done_callback(lambda _: _aside(partial(fn, self)))


class AnswersCall(BlockingCall):
    """A call with many answers, which are iterated over: by several threads, in turn."""

    def __init__(self, engine: Engine, conversation: Conversation) -> None:
        super().__init__(engine, conversation)
        self._turn = threading.Lock()

    def __iter__(self) -> "AnswersCall":
        return self

    def __next__(self) -> Any:
        try:
            with self._turn:
                answer = self._wait(self._conversation.read)
        except (concurrent.futures.CancelledError, asyncio.CancelledError):
            self._raise_cancelled()
        if answer is END:
            raise StopIteration
        return answer

    def _raise_cancelled(self) -> NoReturn:
        error = RpcError(CANCELLED, status=Status.CANCELLED, sent=Sent.MAYBE_EXECUTED)
        raise as_grpc(error) from None


def _aside(callback: Callable[[], object]) -> None:
    """The thread that carries all calls must not wait for one of them."""
    threading.Thread(target=callback, name="facade-callback", daemon=True).start()


@contextlib.contextmanager
def _as_future(future: concurrent.futures.Future[Any]) -> Iterator[None]:
    """What grpc.Future raises, in place of what that of concurrent.futures does."""
    try:
        yield
    except concurrent.futures.CancelledError:
        raise grpc.FutureCancelledError from None
    except TimeoutError:
        if future.done():  # the call's own
            raise
        raise grpc.FutureTimeoutError from None
