"""Which type hints stand for a stream of values."""

import collections.abc
import typing
from typing import Any

_STREAMS = (
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.Generator,
)


def is_stream(hint: Any) -> bool:
    """Whether it is an iterator, be it asynchronous or plain."""
    return (typing.get_origin(hint) or hint) in _STREAMS


def item_type(hint: Any) -> Any:
    """The type of its values."""
    arguments = typing.get_args(hint)
    return arguments[0] if arguments else Any
