"""Attachments <-> the metadata of a gRPC call."""

import re
from collections.abc import Iterable, Mapping

from facade.core.invocation import Attachments
from facade.core.log import get_logger

logger = get_logger(__name__)

Pairs = tuple[tuple[str, str | bytes], ...]

BINARY = "-bin"

# Where google.rpc.Status travels.
RICH_STATUS = "grpc-status-details-bin"

# Trailing metadata of a provider of ours: it refused the call before the method was started.
EXECUTION, NOT_STARTED = "execution", "NOT_STARTED"

# gRPC's own, those of HTTP, and Triple's, which steer a call and are told by other means.
_NOT_OURS = re.compile(
    r":|grpc-(?!status-details-bin$)|te$|content-type$|user-agent$"
    r"|tri-(service-(group|version|timeout)|consumer-appname|header-convert|protocol-version)$"
)
_NAME = re.compile(r"[0-9a-z_.-]+")
_TEXT = re.compile(r"[\x20-\x7e]*")
_KINDS = "give text in ASCII, or bytes under a name that ends in '-bin'"


def to_attachments(metadata: Iterable[tuple[str, str | bytes]]) -> Attachments:
    """Text and, under a name that ends in "-bin", bytes. Of a text that is there several times
    the values are joined by commas, as gRPC has it; of bytes the last counts."""
    attachments: Attachments = {}
    for name, value in metadata:
        if _NOT_OURS.match(name):
            continue
        before = attachments.get(name)
        if isinstance(before, str) and isinstance(value, str):
            value = f"{before},{value}"
        attachments[name] = value
    return attachments


def to_metadata(attachments: Mapping[str, str | bytes], untouched: Pairs = ()) -> Pairs:
    """What travels as ASCII goes as it is, anything else as bytes, under a name with "-bin".

    ``untouched``: the metadata that some of the attachments were made of. Those that are what
    they were go as they were, and so do those that steer a call. What else can't
    travel is left out, and the log says so.
    """
    made = to_attachments(untouched) if untouched else {}
    same = {name for name, value in made.items() if attachments.get(name) == value}
    kept = [pair for pair in untouched if pair[0] in same or pair[0] not in made]
    new = [_pair(name, value) for name, value in attachments.items() if name not in same]
    return (*kept, *(pair for pair in new if pair is not None))


def check(metadata: Pairs) -> None:
    """ValueError for what gRPC would not send, before it says so in words of its own."""
    for name, value in metadata:
        if _NAME.fullmatch(name) is None:
            raise ValueError(
                f"metadata can't be named {name!r}: a name is of letters, digits, and '-_.'"
            )
        wanted = bytes if name.endswith(BINARY) else (str, bytes)
        if not isinstance(value, wanted):
            raise ValueError(f"metadata {name!r} is a {type(value).__name__}: {_KINDS}")
        text = value if isinstance(value, str) else value.decode("latin-1")
        if not name.endswith(BINARY) and _TEXT.fullmatch(text) is None:
            raise ValueError(f"metadata {name!r} is more than printable ASCII: {_KINDS}")


def _pair(name: str, value: str | bytes) -> tuple[str, str | bytes] | None:
    lower = str(name).lower()
    if _NAME.fullmatch(lower) is None or _NOT_OURS.match(lower):
        logger.warning("the attachment %r can't be metadata of gRPC, and is left out", name)
        return None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return lower if lower.endswith(BINARY) else lower + BINARY, bytes(value)
    text = str(value)
    if lower.endswith(BINARY) or _TEXT.fullmatch(text) is None:
        data = text.encode("utf-8", "backslashreplace")
        return lower if lower.endswith(BINARY) else lower + BINARY, data
    return lower, text
