"""What holds for the whole source, and no single file could say."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import facade
from facade.core import Filter
from facade.core.filter import filter_name

ROOT = Path(__file__).parents[1]
LONGEST = 350
# Generated code, and the link that shows filters/ a second time.
NOT_OURS = (ROOT / "facade" / "v1", ROOT / "facade" / "filters")

DANGEROUS = re.compile(r"\bimport pickle\b|\bfrom pickle\b|\beval\(|\bexec\(|\bmarshal\b")


def sources(*folders):
    """Our own files in these folders."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [p for p in found if not any(p.is_relative_to(folder) for folder in NOT_OURS)]


def matches(paths, wrong):
    """By file, what ``wrong`` finds in its text."""
    return {str(p.relative_to(ROOT)): found for p in paths if (found := wrong(p.read_text()))}


def run(code):
    """What a fresh Python prints that runs this outside of the source."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=True
    )
    return done.stdout.split()


# Files


def test_files_are_short():
    """A file is one noun: one that outgrows this has become two."""

    def too_long(text):
        return lines if (lines := len(text.splitlines())) > LONGEST else None

    paths = sources("facade", "filters", "examples", "benchmarks")
    assert len(paths) > 30
    assert matches(paths, too_long) == {}


def test_nothing_runs_what_a_peer_sends():
    """No source unpickles or evaluates anything."""
    assert matches(sources("facade", "filters"), DANGEROUS.findall) == {}


def test_core_needs_the_standard_library_alone():
    """All that a filter may know comes without any dependency."""

    def foreign(text):
        roots = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots.add((node.module or "").split(".")[0])
        return roots - sys.stdlib_module_names - {"facade"}

    assert matches(sources("facade/core"), foreign) == {}


def test_imports_point_one_way():
    """The contracts in pyproject.toml: who may import whom."""
    # In a process of its own: import-linter sets up the logging of the one that it runs in.
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


# The front page


@pytest.mark.parametrize("name", facade.__all__)
def test_public_name_exists(name):
    """What the front page promises is there."""
    assert hasattr(facade, name)


def test_public_names_are_listed_once():
    """What the front page imports is public, and listed as such."""
    tree = ast.parse((ROOT / "facade" / "__init__.py").read_text())
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    public = {name for name in imported if not name.startswith("_")}
    assert sorted(facade.__all__) == sorted(public)


def test_names_that_wait_are_where_the_front_page_says():
    """What is loaded when asked for is what a type checker sees, name by name."""
    tree = ast.parse((ROOT / "facade" / "__init__.py").read_text())
    (typed,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and "not" not in ast.unparse(node.test)
    ]
    seen = {alias.name: node.module for node in typed.body for alias in node.names}
    assert seen == facade._PLACES
    assert set(facade.__all__) <= set(dir(facade))
    with pytest.raises(AttributeError, match="'facade' has no attribute 'nothing'"):
        facade.nothing  # noqa: B018


# What each use of it does without: a module that comes back here costs every start.
SELDOM = (
    *("facade.cluster", "facade.registry", "facade.exchange.tls", "facade.exchange.native"),
    *("facade.consumer.stubs", "facade.consumer.native", "facade.provider.native.calls"),
    *("facade.provider.standard.descriptors", "facade.filters", "google.protobuf.json_format"),
    *("importlib.metadata", "email", "zipfile", "google.protobuf.descriptor_pb2"),
)


@pytest.mark.parametrize(
    ("used", "spared"),
    [
        ("", ("facade.consumer", "facade.provider", "facade.exchange", "google.protobuf")),
        ("AsyncClient", (*SELDOM, "facade.provider", "facade.consumer.engine")),
        ("Client", (*SELDOM, "facade.provider")),
        ("Server", (*SELDOM, "facade.consumer")),
    ],
)
def test_import_loads_what_is_used(used, spared):
    """Who writes a consumer does not wait for a provider to be loaded, nor for what few need."""
    loaded = run(f"import sys, facade; facade.{used or 'core'}; print(*sys.modules)")
    assert "facade.core" in loaded
    assert [name for name in spared if name in loaded] == []


def test_first_client_loads_the_filters_that_run():
    """Making a client and a reference loads its own filters, and no others."""
    loaded = run(
        "import sys, facade\n"
        "class Greeter:\n"
        "    async def hello(self, name: str) -> str: ...\n"
        "facade.AsyncClient('localhost:1').refer(Greeter)\n"
        "print(*sys.modules)"
    )
    filters = {name for name in loaded if name.startswith("facade.filters.")}
    assert filters == {"facade.filters.consumer_context"}
    assert [name for name in SELDOM if name in loaded and name != "facade.filters"] == []


def test_importing_facade_imports_no_filters():
    """``filters`` may be a module of the user's; ours are reached by entry point only."""
    loaded = run("import facade, sys; print(*sys.modules)")
    assert "facade" in loaded
    assert "filters" not in loaded
    assert "facade.filters" not in loaded


def test_importing_facade_needs_no_extra():
    """What is an extra to install is imported when it is used, if ever."""
    assert "uvloop" not in run("import facade, sys; print(*sys.modules)")


# Filters


def entry_points():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["entry-points"]["facade.filters"]


def test_each_file_of_filters_has_its_entry_point():
    """A filter that is written is a filter that is installed, under the name of its file."""
    files = {path.stem for path in (ROOT / "filters").glob("*.py")} - {"__init__"}
    assert set(entry_points()) == files


@pytest.mark.parametrize("name", entry_points())
def test_entry_point_leads_to_the_filter_of_its_name(name):
    """The name in a list of filters, the file, the class and its repr are one word."""
    module, _, cls = entry_points()[name].partition(":")
    filter = getattr(importlib.import_module(module), cls)
    assert module == f"facade.filters.{name}"
    assert issubclass(filter, Filter)
    assert filter_name(filter) == name
