"""Our errors, as code that was written for grpcio expects its own."""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import grpc
import grpc.aio

from facade.core.errors import Code, RpcError

# grpcio's text for a call that was cancelled here.
CANCELLED = "Locally cancelled by application!"


class StubError(grpc.aio.AioRpcError, grpc.Call, grpc.Future):  # type: ignore[misc]
    """What a call of a stub raises: besides this it is the RpcError that filters saw.

    So it is caught by ``except grpc.RpcError``, ``except grpc.aio.AioRpcError`` and
    ``except facade.RpcError`` (or DeadlineExceeded, and so on). ``code`` and ``details`` are
    values with us and methods with grpcio. Both kinds of code get what they know: they are
    our values, compared by ``==``, that give gRPC's when they are called.

    Like grpcio's it is also a call and a future that have ended, with itself: interceptors
    take it as what they wait for.
    """

    code: Any
    details: Any

    def __init__(self, error: RpcError, initial: Iterable[Any], trailing: Iterable[Any]) -> None:
        self._plain = error
        self.__dict__.update(error.__dict__)
        self.args = error.args
        self._initial_metadata = grpc.aio.Metadata(*initial)
        self._trailing_metadata = grpc.aio.Metadata(*trailing)
        self._debug_error_string = None
        self.code = CalledCode(error.code, grpc.StatusCode[error.status.name])
        # Where the provider gave no text, ours is the name of the status, and grpcio's is none.
        silent = error.remote and error.message == error.status.name
        self.details = CalledDetails(error.details, "" if silent else error.message)
        self.__cause__, self.__context__ = error.__cause__, error.__context__
        self.__suppress_context__ = error.__suppress_context__

    def result(self, timeout: float | None = None) -> NoReturn:
        raise self

    def exception(self, timeout: float | None = None) -> "StubError":
        return self

    def traceback(self, timeout: float | None = None) -> Any:
        return self.__traceback__

    def done(self) -> bool:
        return True

    def running(self) -> bool:
        return False

    def cancelled(self) -> bool:
        return False

    def cancel(self) -> bool:
        return False

    def is_active(self) -> bool:
        return False

    def time_remaining(self) -> None:
        return None

    def add_callback(self, callback: Callable[[], object]) -> bool:
        """It has ended: there is nothing to tell."""
        return False

    def add_done_callback(self, fn: Callable[[Any], object]) -> None:
        fn(self)

    def __str__(self) -> str:
        return str(self.message) if not hasattr(self, "type") else f"{self.type}: {self.message}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status.name}: {self}>"

    def __reduce__(self) -> Any:
        return as_grpc, (self._plain, tuple(self._initial_metadata), tuple(self._trailing_metadata))


class CalledCode(int):
    """Dubbo's code, which gives the gRPC status when it is called."""

    _status: grpc.StatusCode

    def __new__(cls, code: Code, status: grpc.StatusCode) -> "CalledCode":
        made = super().__new__(cls, code)
        made._status = status
        return made

    @property
    def name(self) -> str:
        return Code(self).name

    def __call__(self) -> grpc.StatusCode:
        return self._status

    def __repr__(self) -> str:
        return repr(Code(self))


class CalledDetails(tuple[Any, ...]):
    """Typed details, which give the text of the status when they are called."""

    _text: str

    def __new__(cls, details: Iterable[Any], text: str) -> "CalledDetails":
        made = super().__new__(cls, details)
        made._text = text
        return made

    def __call__(self) -> str:
        return self._text


_made: dict[type[RpcError], type[StubError]] = {}


def _both(kind: type[RpcError]) -> type[StubError]:
    if kind not in _made:
        facts = {"__module__": __name__, "__doc__": kind.__doc__}
        _made[kind] = type(kind.__name__, (StubError, kind), facts)
    return _made[kind]


def as_grpc(
    error: BaseException, initial: Iterable[Any] = (), trailing: Iterable[Any] = ()
) -> BaseException:
    """An RpcError as one that is grpcio's too; anything else as it is."""
    if not isinstance(error, RpcError) or isinstance(error, StubError):
        return error
    made = _both(type(error))(error, initial, trailing)
    made.__traceback__ = error.__traceback__
    return made
