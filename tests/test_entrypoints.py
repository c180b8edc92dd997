import importlib.metadata
import subprocess
import sys
import zipfile
from importlib.machinery import PathFinder

import pytest

from facade import entrypoints

GROUP = "demo.things"

TEXT = """\
[console_scripts]
other = demo.cli:main

[demo.things]
# A comment.
one = demo.one:One

two=demo.two:Two [extra]
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Where packages are looked for, and nowhere else."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def install(where, name, text=TEXT):
    directory = where / name
    directory.mkdir(parents=True)
    (directory / "entry_points.txt").write_text(text)
    (directory / "METADATA").write_text(f"Name: {name.partition('-')[0]}\nVersion: 1\n")


def read():
    return sorted((entry.name, entry.value) for entry in entrypoints._read(GROUP))


def theirs():
    """What importlib.metadata finds, without the extras."""
    found = importlib.metadata.entry_points(group=GROUP)
    return sorted((entry.name, entry.value.partition(" ")[0]) for entry in found)


@pytest.mark.parametrize("name", ["demo-1.0.dist-info", "demo.egg-info", "Demo_x-1-py3.egg-info"])
def test_entry_points_of_a_group_are_found(path, name):
    """As importlib.metadata finds them, in what pip and setuptools write."""
    install(path, name)
    assert read() == theirs() == [("one", "demo.one:One"), ("two", "demo.two:Two")]


def test_package_that_is_there_twice_counts_once(tmp_path, monkeypatch):
    """The first on the path, as it is the one that is imported."""
    install(tmp_path / "a", "demo_x-2.dist-info", "[demo.things]\none = demo:New\n")
    install(tmp_path / "b", "Demo.X-1.dist-info", "[demo.things]\none = demo:Old\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "a"), str(tmp_path / "b")])
    assert read() == theirs() == [("one", "demo:New")]


def test_places_and_packages_without_entry_points_are_passed_over(path, monkeypatch):
    """A path may name what does not exist, and most packages have nothing for anyone."""
    (path / "plain-1.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(path / "nowhere"), *sys.path])
    assert read() == []


def test_what_is_found_can_be_loaded():
    """The value is a module and what it has."""
    assert entrypoints.EntryPoint("x", "facade.entrypoints:EntryPoint").load() is (
        entrypoints.EntryPoint
    )


@pytest.mark.parametrize("fallback", ["zip", "finder"])
def test_packages_elsewhere_are_left_to_importlib(path, monkeypatch, fallback):
    """A zip file on the path, or a finder of somebody's own: then the slow way is the right one."""
    monkeypatch.setattr(sys, "path", [str(path)])
    monkeypatch.setattr(sys, "meta_path", [PathFinder])
    assert not entrypoints._may_be_elsewhere()
    if fallback == "zip":
        with zipfile.ZipFile(path / "a.zip", "w"):
            pass
        monkeypatch.setattr(sys, "path", [str(path / "a.zip")])
    else:

        class Finder:
            def find_distributions(self, context): ...

        monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    assert entrypoints._may_be_elsewhere()


def test_the_environment_is_read_alike():
    """Both ways find the same filters here."""
    code = "import facade.plugins as p, sys; sys.modules.pop('importlib.metadata', None); "
    code += "print(*sorted(p.installed()), 'importlib.metadata' in "
    code += "sys.modules)"
    *names, slow = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert slow == "False"
    assert names == sorted(e.name for e in importlib.metadata.entry_points(group="facade.filters"))
