"""docs/security.md and docs/limits.md say what is so."""

import ast
import re
from pathlib import Path

import facade

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


def there():
    """The names of all tests of this folder, and of those in it."""
    return {
        node.name
        for path in HERE.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


def test_every_row_names_tests_that_there_are():
    """What is promised is kept by something."""
    text = (ROOT / "docs/security.md").read_text().split("## What becomes of it")[1]
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert set(named) <= there(), row


def test_the_table_of_limits():
    """Each limit is there, with its default, and there is no other."""
    text = (ROOT / "docs/limits.md").read_text().split("\n## Limits\n")[1].split("\n## ")[0]
    row = re.compile(r"^\| `(\w+)` \| ([\d.]+)(?: s| bytes)? \|", re.MULTILINE)
    told = {name: ast.literal_eval(value) for name, value in row.findall(text)}
    assert list(told) == list(facade.Limits.__struct_fields__)
    assert all(getattr(facade.Limits(), name) == value for name, value in told.items())
