"""Methods with streams, which can't be called without an interface: one of plain values."""

import inspect
import re
from collections.abc import AsyncIterator
from typing import Any

from facade.exchange.description import MethodDescription, ServiceDescription
from facade.service import service as mark

_BY_PLACE = inspect.Parameter.POSITIONAL_OR_KEYWORD
_STREAM = re.compile(r"(Async)?(Iterator|Iterable|Generator)\b")


def has_streams(method: MethodDescription) -> bool:
    return any(map(_is_stream, (method.returns, *(p.type for p in method.parameters))))


def interface(service: ServiceDescription, method: MethodDescription) -> type:
    """One that has this method alone, as far as its description goes."""

    async def stub(self: Any) -> Any: ...

    def parameter(name: str, optional: bool, keyword_only: bool) -> inspect.Parameter:
        kind = inspect.Parameter.KEYWORD_ONLY if keyword_only else _BY_PLACE
        return inspect.Parameter(name, kind, default=... if optional else inspect.Parameter.empty)

    listed = [parameter(p.name, p.optional, p.keyword_only) for p in method.parameters]
    own = inspect.Parameter("self", _BY_PLACE)
    stub.__signature__ = inspect.Signature([own, *listed])  # type: ignore[attr-defined]
    hints = {p.name: _hint(p.type) for p in method.parameters}
    stub.__annotations__ = {**hints, "return": _hint(method.returns)}
    made = type("Described", (), {method.name: stub})
    return mark(service.name, group=service.group, version=service.version)(made)


def _is_stream(text: str) -> bool:
    return _STREAM.match(text) is not None


def _hint(text: str) -> Any:
    return AsyncIterator[Any] if _is_stream(text) else Any
