"""The table of all filters in docs/filters.md: ``python docs/table.py`` writes it anew.

Names, sides, orders and keys are those of what is installed. What a filter raises and what it
costs is kept from the table as it was; a new filter's errors are read from its source.
"""

import inspect
import re
import sys
from pathlib import Path

import facade
from facade.core.filter import Filter
from facade.plugins import installed

PAGE = Path(__file__).parent / "filters.md"
HEAD = "| Filter | Side | On | Order | Settings | Raises | Cost per call |\n"
LINE = "| --- | --- | --- | ---: | --- | --- | --- |\n"
TABLE = re.compile(re.escape(HEAD + LINE) + r"((?:\|.*\n)*)")
ERRORS = re.compile(r"\b({})\(".format("|".join(sorted(n for n in facade.__all__ if n.isalpha()))))

# What is kept of a row: raises, cost.
Kept = tuple[str, str]


def rows(page: str) -> list[str]:
    """What the table is to say, line by line, in the order of names."""
    kept = _kept(page)
    return [_row(name, cls, kept.get(name)) for name, cls in sorted(installed().items())]


def told(page: str) -> list[str]:
    """What the table says. ValueError where there is none."""
    found = TABLE.search(page)
    if found is None:
        raise ValueError(f"there is no table that begins with {HEAD!r}")
    return found[1].splitlines()


def _kept(page: str) -> dict[str, Kept]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in told(page)]
    return {line[0].strip("`"): (line[5], line[6]) for line in cells if len(line) == 7}


def _row(name: str, cls: type[Filter], kept: Kept | None) -> str:
    activation = getattr(cls, "__facade_activation__", None)
    if activation is None:
        side, on, order = "both", "by name", "-"
    else:
        side = "both" if len(activation.group) > 1 else next(iter(activation.group))
        on = " or ".join(f"`{key}`" for key in activation.when) or "always"
        order = str(activation.order)
    keys = ", ".join(f"`{key}`: {_kinds(kinds)}" for key, kinds in cls.keys.items()) or "-"
    raises, cost = kept or (_errors(cls), "-")
    return f"| `{name}` | {side} | {on} | {order} | {keys} | {raises} | {cost} |"


def _kinds(kinds: type | tuple[type, ...]) -> str:
    listed = kinds if isinstance(kinds, tuple) else (kinds,)
    return " or ".join("None" if kind is type(None) else kind.__name__ for kind in listed)


def _errors(cls: type[Filter]) -> str:
    """The errors of ours that its module makes."""
    module = inspect.getmodule(cls)
    names = set(ERRORS.findall(inspect.getsource(module))) if module is not None else set()
    errors = [n for n in sorted(names) if _is_error(n)]
    return ", ".join(f"`{name}`" for name in errors) or "-"


def _is_error(name: str) -> bool:
    found = getattr(facade, name)
    return isinstance(found, type) and issubclass(found, facade.RpcError)


def main() -> None:
    page = PAGE.read_text()
    lines = "".join(f"{line}\n" for line in rows(page))
    PAGE.write_text(TABLE.sub(lambda _: HEAD + LINE + lines, page))
    sys.stdout.write(lines)


if __name__ == "__main__":
    main()
