"""What peers send can't forge or break lines of the log."""

import ast
import importlib
import logging
from pathlib import Path

import pytest

from facade.core.log import LONGEST, get_logger, printable

ROOT = Path(__file__).parents[2]
# A line of its own, a moved cursor, writing from right to left, and what no line may be.
NASTY = "x\r\nERROR forged \x1b[2J\x00 \u202e \u2028" + "y" * 20

SOURCES = [
    path
    for folder in ("facade", "filters")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not {"v1", "cli"} & set(path.relative_to(ROOT).parts)
    and not path.is_relative_to(ROOT / "facade" / "filters")
]


def uses(path, name):
    """The lines of a source that call ``logging.<name>``."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id == "logging"
    ]


def modules_that_log():
    for path in SOURCES:
        if "= get_logger(" in (text := path.read_text()) or "= log.get_logger(" in text:
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts if parts[0] == "facade" else ("facade", *parts))


@pytest.fixture
def lines(tmp_path):
    """Gives what a file has of what is logged."""
    path = tmp_path / "log"
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    logging.getLogger("facade").addHandler(handler)
    yield lambda: path.read_text(encoding="utf-8").split("\n")[:-1]
    logging.getLogger("facade").removeHandler(handler)
    handler.close()


def test_all_loggers_escape():
    """No source makes a logger that would write what it is given as it is."""
    made = {str(p.relative_to(ROOT)): found for p in SOURCES if (found := uses(p, "getLogger"))}
    assert made.keys() == {"facade/core/log.py", "filters/access_log.py"}  # one escapes itself
    assert len(list(modules_that_log())) > 25


@pytest.mark.parametrize("module", sorted(modules_that_log()))
def test_every_logger_writes_one_line(module, lines):
    """Whatever of a peer's is in a record of it: one line, and nothing that steers a terminal."""
    importlib.import_module(module)
    logger = logging.getLogger(module)
    logger.error("%s called %r from %s", NASTY, NASTY, {"a": NASTY})
    logger.error("%(who)s called", {"who": NASTY})
    logger.error(NASTY)
    told = lines()
    assert len(told) == 3
    assert all(line.isprintable() for line in told)
    assert all("forged" in line for line in told)


def test_a_traceback_forges_no_line(lines):
    """Its lines all begin with a blank where the text of an exception has lines of its own."""
    logger = get_logger("facade.tests.security")
    try:
        try:
            raise ValueError("x\nERROR forged")
        except ValueError as error:
            raise RuntimeError("plain") from error
    except RuntimeError:
        logger.exception("a call of %s failed", NASTY)
    told = lines()
    assert not [line for line in told if line.startswith("ERROR forged")]
    assert [line for line in told if line == "  ERROR forged"]
    assert all(line.startswith("  ") for line in told[1:])


class Untold(Exception):
    def __repr__(self):
        raise RuntimeError("no text")

    __str__ = __repr__


def test_what_can_not_be_told_fails_nobody(lines):
    """A record of what has no text says so, and does not raise to who tells of it."""
    get_logger("facade.tests.security").error("%s raised %r", "hello", Untold(), exc_info=Untold())
    first, *rest = lines()
    assert first == "%s raised %r (which can't be told: RuntimeError)"
    assert rest


def test_a_plain_record_is_left_alone(caplog):
    """Handlers that group records find the text and its parts as they were."""
    logger = get_logger("facade.tests.security")
    with caplog.at_level(logging.INFO, "facade"):
        logger.info("hello %s", "Ann")
    (record,) = caplog.records
    assert (record.msg, record.args) == ("hello %s", ("Ann",))


def test_a_long_text_is_cut():
    """A megabyte from a peer does not push the rest out of the log."""
    assert len(printable("x" * 1_000_000)) == LONGEST + 3
