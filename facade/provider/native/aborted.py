"""What a servicer ended its call with."""

from typing import Any

import grpc
import grpc.aio

from facade.core.errors import Quoting, RpcError, Status
from facade.exchange.metadata import RICH_STATUS, Pairs
from facade.exchange.richstatus import decode_details, encode_status
from facade.provider.native.text import LONGEST_AGAIN, short


class Aborted(RpcError, grpc.aio.AbortError):  # type: ignore[misc]
    """It said so itself, by ``abort`` or ``set_code``.

    ``rich``: the google.rpc.Status that it gave besides, as it gave it.
    """

    def __init__(self, message: str, status: Status, rich: bytes = b"") -> None:
        super().__init__(message, status=status, details=decode_details(rich) if rich else ())
        self.rich = rich


class Quoted(Aborted, Quoting):
    """By ``set_code`` alone, and then it raised what is the cause of this."""


def status_number(code: Any) -> Status:
    """Of a grpc.StatusCode or a number; UNKNOWN for what is none."""
    number = code.value[0] if isinstance(code, grpc.StatusCode) else code
    try:
        return Status(number)
    except ValueError:
        return Status.UNKNOWN


def rich_status(error: RpcError) -> Pairs:
    """The metadata that carry the details of an error, if it has any."""
    if isinstance(error, Aborted) and error.rich:
        return ((RICH_STATUS, error.rich),)
    if not error.details:
        return ()
    text = short(error.message, LONGEST_AGAIN)
    return ((RICH_STATUS, encode_status(int(error.status), text, error.details)),)
