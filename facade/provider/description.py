"""What a server exports, described for consumers and tools."""

import types
import typing
from collections.abc import Iterable
from typing import Any

from facade.core.errors import Code, RpcError, Status
from facade.core.method import Method, Service
from facade.exchange.description import (
    MethodDescription,
    ParameterDescription,
    ProviderDescription,
    ServiceDescription,
    description_bytes,
    read_request,
)


def answer_describe(services: Iterable[Service], application: str, request: bytes) -> bytes:
    """Answer one ``Describe``. Raises RpcError for bytes that are no request."""
    try:
        name, group, version = read_request(request)
    except ValueError as error:
        raise RpcError(
            str(error), code=Code.SERIALIZATION, status=Status.INVALID_ARGUMENT
        ) from None
    chosen = [
        describe_service(service)
        for service in services
        if name in ("", service.name)
        and group in ("", service.group)
        and version in ("", service.version)
    ]
    return description_bytes(ProviderDescription(tuple(chosen), application))


def describe_service(service: Service) -> ServiceDescription:
    return ServiceDescription(
        name=service.name,
        methods={name: describe_method(method) for name, method in service.methods.items()},
        group=service.group,
        version=service.version,
        summary=service.summary,
        settings=_timeout(service.timeout),
    )


def describe_method(method: Method) -> MethodDescription:
    settings = _timeout(method.timeout)
    if method.cancel_on_timeout:
        settings["cancel_on_timeout"] = "true"
    return MethodDescription(
        name=method.name,
        parameters=tuple(
            ParameterDescription(
                p.name,
                _stream(p.type) if p.name in method.streamed else _stated(p.type),
                not p.required,
                p.keyword_only,
            )
            for p in method.parameters
        ),
        returns=_stream(method.returns) if method.yields else _stated(method.returns),
        summary=method.summary,
        oneway=method.oneway,
        idempotent=method.idempotent,
        settings=settings,
    )


def _timeout(seconds: float | None) -> dict[str, str]:
    return {} if seconds is None else {"timeout": str(seconds)}


def _stream(item: Any) -> str:
    return f"AsyncIterator[{type_text(item)}]"


def _stated(hint: Any) -> str:
    return "" if hint is Any else type_text(hint)


def type_text(hint: Any) -> str:
    """A type as one writes it: ``list[Order | None]``."""
    if hint is None or hint is type(None):
        return "None"
    if hint is ...:
        return "..."
    if isinstance(hint, str):
        return hint
    if isinstance(hint, list):  # the parameters of a Callable
        return f"[{_listed(hint)}]"
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union or origin is types.UnionType:
        return " | ".join(map(type_text, arguments))
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is typing.Annotated:
        kind, *notes = arguments
        return f"Annotated[{', '.join((type_text(kind), *map(repr, notes)))}]"
    if arguments:
        return f"{_name(origin)}[{_listed(arguments)}]"
    return _name(hint)


def _listed(hints: Iterable[Any]) -> str:
    return ", ".join(map(type_text, hints))


def _name(hint: Any) -> str:
    name = getattr(hint, "__qualname__", None) or getattr(hint, "__name__", None)
    return str(name or hint).rpartition("<locals>.")[2].removeprefix("typing.")
