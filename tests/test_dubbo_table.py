"""The table of docs/dubbo.md: no row is missing, and each names code and tests that exist."""

import ast
import importlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/dubbo.md").read_text()
LAST = 83

ROW = re.compile(r"^\| S(\d+) \|(.*)\|$", re.MULTILINE)
SPAN = re.compile(r"`([^`]+)`")
# A file, and perhaps a name in it: `facade/core/chain.py::Link.invoke`, `tests/x.py::test_y`.
PLACE = re.compile(r"([\w/]+\.(?:py|proto))(?:::([\w.]+))?")


@dataclass(frozen=True)
class Row:
    number: int
    dubbo: str
    here: str
    where: list[str]
    why: str
    tests: list[str]


def read(page: str) -> list[Row]:
    """ValueError for a row that has not six cells."""
    rows = []
    for number, cells in ROW.findall(page):
        dubbo, here, where, why, tests = (cell.strip() for cell in cells.split(" | "))
        rows.append(Row(int(number), dubbo, here, SPAN.findall(where), why, SPAN.findall(tests)))
    return rows


def problem_of(place: str, *, test: bool = False) -> str | None:
    """What is wrong with a place that the table names."""
    match = PLACE.fullmatch(place)
    if match is None:
        return f"{place!r} is no file, nor file::name"
    path, name = match.groups()
    if not (ROOT / path).is_file():
        return f"there is no {path}"
    if test and (not path.startswith("tests/") or name not in defined_tests(path)):
        return f"{path} has no test {name}"
    if name is not None and not test and not is_defined(path, name):
        return f"{path} has no {name}"
    return None


@cache
def defined_tests(path: str) -> frozenset[str]:
    """The tests that pytest finds there, read and not run."""
    body = ast.parse((ROOT / path).read_text()).body
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(
        node.name for node in body if isinstance(node, functions) and node.name[:5] == "test_"
    )


def is_defined(path: str, name: str) -> bool:
    if path.endswith(".proto"):
        return f"message {name} {{" in (ROOT / path).read_text()
    prefix = "facade." if path.startswith("filters/") else ""
    found: Any = importlib.import_module(prefix + path.removesuffix(".py").replace("/", "."))
    for part in name.split("."):
        if not hasattr(found, part) and part not in getattr(found, "__annotations__", {}):
            return False
        found = getattr(found, part, None)
    return True


ROWS = read(PAGE)


def test_no_row_is_missing() -> None:
    """S1 to S83 are there, each once, in their order."""
    assert [row.number for row in ROWS] == list(range(1, LAST + 1))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"S{row.number}")
def test_row_is_true(row: Row) -> None:
    """Each cell says something; the code that it names is there, and so are its tests."""
    assert row.dubbo
    assert row.here
    assert row.why
    assert row.where
    assert row.tests
    problems = [problem_of(place) for place in row.where]
    problems += [problem_of(place, test=True) for place in row.tests]
    assert not [problem for problem in problems if problem]


@pytest.mark.parametrize(
    ("place", "is_test", "problem"),
    [
        ("facade/core/chain.py", False, None),
        ("facade/core/chain.py::Link.invoke", False, None),
        ("filters/timeout.py::Timeout", False, None),
        ("protos/facade/v1/exchange.proto::Frame", False, None),
        ("tests/test_dubbo_table.py::test_no_row_is_missing", True, None),
        ("facade/core/chian.py", False, "there is no"),
        ("facade/core/chain.py::Link.nothing", False, "has no"),
        ("protos/facade/v1/exchange.proto::Fram", False, "has no"),
        ("tests/test_dubbo_table.py::test_no_row_is_there", True, "has no test"),
        ("tests/test_dubbo_table.py::read", True, "has no test"),
        ("tests/test_dubbo_table.py", True, "has no test"),
        ("docs/dubbo.md", False, "is no file"),
    ],
)
def test_wrong_place_is_noticed(place: str, is_test: bool, problem: str | None) -> None:
    """A file, a name or a test that was renamed is found out, and one that is there is not."""
    found = problem_of(place, test=is_test)
    assert found is None if problem is None else found is not None and problem in found


def test_row_without_a_cell_is_noticed() -> None:
    """A row must have all of its cells."""
    with pytest.raises(ValueError, match="unpack"):
        read("| S1 | Invoker | `Invoker` | `facade/core/filter.py` | the same |")
