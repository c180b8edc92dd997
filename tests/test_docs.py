"""Every code block of README.md and docs/ runs, or is checked, or says why not.

The python blocks of a page run in order, in one namespace. One that awaits runs in the
event loop of the page, another in a thread, so that it may wait for a server of the page.
What stands behind a ``print(...)`` as a comment is what it must print.
"""

import ast
import asyncio
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2

import facade
from examples.interop.interface import Greeter
from facade.codec import MethodCodec
from facade.core.context import RESERVED
from facade.service import describe

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

spec = importlib.util.spec_from_file_location("table", ROOT / "docs/table.py")
assert spec is not None
assert spec.loader is not None
table = importlib.util.module_from_spec(spec)
spec.loader.exec_module(table)

BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# A long call ends on a line of its own.
PRINTED = re.compile(r"^\s*(?:print\(.*)?\)  # (.+)$", re.MULTILINE)
# A block that is a file of a package says so in its first line.
FILE = re.compile(r"^# ([\w.-]+\.(?:py|toml))\n")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    line: int
    reason: str | None


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(m["language"], m["code"], text.count("\n", 0, m.start("code")), m["reason"])
        for m in BLOCK.finditer(text)
    ]


def files(page: Path) -> dict[str, str]:
    """The blocks that are files, by name."""
    found = [(FILE.match(block.code), block.code) for block in blocks(page)]
    return {match[1]: code for match, code in found if match}


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_block_is_passed_over(page: Path) -> None:
    """Each fence opens a block that is run, checked, a picture, or marked with a reason."""
    found = blocks(page)
    assert page.read_text().count("```") == 2 * len(found)
    unknown = [b for b in found if b.reason is None and b.language not in CHECKS]
    assert not unknown


@pytest.mark.parametrize("page", PAGES, ids=named)
async def test_blocks_run(
    page: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blocks of a page work as they stand, and print what they say."""
    # No page is about 1 s, and the machine may be busy.
    monkeypatch.setitem(facade.AsyncClient.__init__.__kwdefaults__, "timeout", 10.0)
    module = types.ModuleType(f"page_{page.stem.lower()}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in blocks(page):
        if block.reason is None:
            await CHECKS[block.language](block, page, module)
            _check_output(block, capsys.readouterr().out)


async def run_python(block: Block, page: Path, module: types.ModuleType) -> None:
    if FILE.match(block.code):
        return  # see test_packages_of_a_page_work
    source = "\n" * block.line + block.code  # so that tracebacks tell the line of the page
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(source, str(page), "exec", flags=flags, dont_inherit=True)
    if code.co_flags & inspect.CO_COROUTINE:
        await eval(code, vars(module))
    else:
        await asyncio.to_thread(exec, code, vars(module))


async def check_console(block: Block, page: Path, module: types.ModuleType) -> None:
    """Its commands are targets of the Makefile, or modules that can be run."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    commands = [
        line[2:].split("#")[0].split() for line in block.code.splitlines() if line[:2] == "$ "
    ]
    assert commands
    for command in commands:
        if command[0] == "make":
            assert command[1] in targets
        else:
            assert command[:2] == ["python", "-m"], f"{command}: run it, or mark it as not run"
            assert importlib.util.find_spec(command[2])


async def check_toml(block: Block, page: Path, module: types.ModuleType) -> None:
    tomllib.loads(block.code)


async def look_at_picture(block: Block, page: Path, module: types.ModuleType) -> None:
    assert max(map(len, block.code.splitlines())) <= 100


CHECKS: dict[str, Any] = {
    "python": run_python,
    "console": check_console,
    "toml": check_toml,
    "text": look_at_picture,
}


def _check_output(block: Block, output: str) -> None:
    """The promised lines come, in their order; others may come between them."""
    lines = iter(output.splitlines())
    for promised in PRINTED.findall(block.code):
        assert promised in lines, f"{promised!r} is not in {output!r}"


@pytest.mark.parametrize("page", [p for p in PAGES if files(p)], ids=named)
def test_packages_of_a_page_work(page: Path, tmp_path: Path) -> None:
    """The files that a page shows are a package that can be installed, and its tests pass."""
    for name, code in files(page).items():
        (tmp_path / name).write_text(code)
    project = tomllib.loads(files(page)["pyproject.toml"])
    # As it would be installed: a directory of metadata beside the module.
    metadata = tmp_path / f"{project['project']['name'].replace('-', '_')}-1.dist-info"
    metadata.mkdir()
    entries = project["project"]["entry-points"]["facade.filters"]
    lines = [f"{name} = {place}" for name, place in entries.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[facade.filters]", *lines]))
    (metadata / "METADATA").write_text(f"Name: {project['project']['name']}\nVersion: 1\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_filters_page_lists_every_filter() -> None:
    """The table says of each installed filter what it is; ``python docs/table.py`` writes it."""
    page = (ROOT / "docs/filters.md").read_text()
    there, wanted = table.told(page), table.rows(page)
    assert not [line for line in wanted if line not in there], "run `python docs/table.py`"
    assert not [line for line in there if line not in wanted], "run `python docs/table.py`"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    """A link within the project names a file that is there."""
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_wire_page_lists_the_reserved_attachments() -> None:
    """Nobody has to read the source for the names that he must not use."""
    text = (ROOT / "docs/wire.md").read_text()
    section = text.split("## Reserved attachments")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    assert set(re.findall(r"`([^`]+)`", " ".join(rows))) == RESERVED


@pytest.mark.parametrize("end", [facade.AsyncClient, facade.Server])
def test_limits_page_lists_every_setting(end: type) -> None:
    """Each parameter is there, in the table of its end, with its default."""
    text = (ROOT / "docs/limits.md").read_text()
    section = text.split(f"## {end.__name__}")[1].split("\n## ")[0]
    row = re.compile(r"^\| `(\w+)` \| `?([^|`]*?)`?(?: s| bytes)? \|", re.MULTILINE)
    told = dict(row.findall(section))
    parameters = inspect.signature(end).parameters
    assert list(told) == list(parameters)
    for name, parameter in parameters.items():
        if parameter.default is not parameter.empty:
            assert ast.literal_eval(told[name]) == parameter.default, name


def test_errors_page_lists_every_error() -> None:
    """The catalogue names each public class of errors."""
    text = (ROOT / "docs/errors.md").read_text()
    errors = [
        name
        for name in facade.__all__
        if isinstance(getattr(facade, name), type) and issubclass(getattr(facade, name), Exception)
    ]
    assert len(errors) == 7
    assert not [name for name in errors if f"`{name}`" not in text]


def test_grpcurl_line_calls_the_example() -> None:
    """What README.md tells grpcurl to call and to send is a method of its example, and arguments
    that this takes."""
    line = re.search(r"-d '(.+?)' \S+ demo.Greeter/(\w+)", (ROOT / "README.md").read_text())
    assert line
    value = json_format.ParseDict(json.loads(line[1]), struct_pb2.Value())
    method = describe(Greeter).methods[line[2]]
    assert MethodCodec(method).decode_arguments(("value", value)) == (("Ann",), None)
