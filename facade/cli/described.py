"""Interfaces from what a provider says of itself."""

from collections.abc import Iterator, Sequence

from facade.cli import source
from facade.cli.typetext import (
    ANY,
    Imports,
    class_name,
    comment,
    docstring,
    is_name,
    known_type,
)
from facade.exchange.description import (
    MethodDescription,
    ParameterDescription,
    ServiceDescription,
)


def write(services: Sequence[ServiceDescription], where: str, *, sync: bool = False) -> str:
    """A module with a class for each service. Types that only the provider knows become Any,
    and a comment has them. ``sync``: for Client, with ``def``."""
    imports: Imports = {}
    taken = {"facade"}
    lines: list[str] = []
    for service in services:
        name = class_name(service.name, taken)
        taken.add(name)
        lines += ["", "", *_interface(name, service, imports, sync)]
    summary = f"The services at {comment(where)}, as they describe themselves."
    return source.module(summary.replace('"', "'").replace("\\", "/"), imports, lines)


def _interface(
    name: str, service: ServiceDescription, imports: Imports, sync: bool
) -> Iterator[str]:
    options = [repr(service.name)]
    options += [f"version={service.version!r}"] if service.version else []
    options += [f"group={service.group!r}"] if service.group else []
    options += [f"timeout={service.timeout!r}"] if service.timeout is not None else []
    yield f"@facade.service({', '.join(options)})"
    yield f"class {name}:"
    yield from docstring(service.summary, "    ")
    if not service.methods:
        yield "    pass"
    for method in service.methods.values():
        yield ""
        yield from _method(method, imports, sync)


def _method(method: MethodDescription, imports: Imports, sync: bool) -> Iterator[str]:
    names = [method.name, *(p.name for p in method.parameters)]
    if method.name.startswith("_") or not all(map(is_name, names)):
        yield f"    # {comment(repr(method.name))} has names that Python can't say: call it"
        yield "    # by client.generic()."
        yield "    ..."
        return
    decoration = list(_options(method))
    if decoration:
        yield f"    @facade.method({', '.join(decoration)})"
    unknown: list[str] = []
    parameters = list(_parameters(method.parameters, imports, unknown))
    returns = "None" if method.oneway else _type(method.returns, imports, "returns", unknown)
    for line in unknown:
        yield f"    # {line}"
    text = source.method(method.name, parameters, returns, sync=sync)
    if method.summary:
        yield text.removesuffix(" ...")
        yield from docstring(method.summary, " " * 8)
        yield "        ..."
    else:
        yield text


def _options(method: MethodDescription) -> Iterator[str]:
    if method.timeout is not None:
        yield f"timeout={method.timeout!r}"
    for name in ("oneway", "idempotent"):
        if getattr(method, name):
            yield f"{name}=True"
    if method.settings.get("cancel_on_timeout") == "true":
        yield "cancel_on_timeout=True"


def _parameters(
    parameters: Sequence[ParameterDescription], imports: Imports, unknown: list[str]
) -> Iterator[str]:
    starred = False
    for parameter in parameters:
        if parameter.keyword_only and not starred:
            starred = True
            yield "*"
        kind = _type(parameter.type, imports, parameter.name, unknown)
        yield f"{parameter.name}: {kind}{' = ...' if parameter.optional else ''}"


def _type(text: str, imports: Imports, what: str, unknown: list[str]) -> str:
    found = known_type(text, imports) if text else None
    if found is not None:
        return found
    imports.setdefault("typing", set()).add(ANY)
    if text:
        unknown.append(f"{what}: {comment(text)}")
    return ANY
