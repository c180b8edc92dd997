"""The text of a module of interfaces."""

from collections.abc import Iterable

from facade.cli.typetext import Imports

HEAD = '# mypy: disable-error-code="empty-body"'
STANDARD = ("collections.abc", "datetime", "decimal", "typing", "uuid")


def module(summary: str, imports: Imports, lines: Iterable[str], others: Iterable[str] = ()) -> str:
    """``imports``: names by module of the standard library; ``others``: whole lines."""
    text = [HEAD, f'"""{summary}"""', ""]
    text += [
        f"from {name} import {', '.join(sorted(imports[name]))}"
        for name in STANDARD
        if imports.get(name)
    ]
    text += [""] if any(imports.values()) else []
    text += ["import facade", *sorted(others)]
    return "\n".join([*text, *lines]) + "\n"


def method(name: str, parameters: Iterable[str], returns: str, *, sync: bool) -> str:
    word = "def" if sync else "async def"
    return f"    {word} {name}({', '.join(('self', *parameters))}) -> {returns}: ..."
