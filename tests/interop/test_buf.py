"""buf: the .proto files keep its rules, and nobody breaks those who have generated from them."""

import shutil
import subprocess
from pathlib import Path

import pytest

PROTOS = Path(__file__).resolve().parents[2] / "protos"
# What has been promised; `make protos-baseline` renews it.
BASELINE = PROTOS / "baseline.binpb"


@pytest.fixture
def buf(tool):
    """Call it with arguments: what it found, and its exit code."""
    program = tool("buf")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [program, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)

    return run


@pytest.fixture
def changed(tmp_path):
    """Call it with what to replace, and by what, in invocation.proto: a copy of the files."""

    def change(old: str, new: str) -> Path:
        copy = tmp_path / "protos"
        shutil.copytree(PROTOS, copy)
        file = copy / "facade/v1/invocation.proto"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        return copy

    return change


def test_lint(buf):
    """The rules, with the exceptions of buf.yaml."""
    done = buf("lint", PROTOS)
    assert (done.returncode, done.stdout) == (0, "")


def test_build(buf, tmp_path):
    """It compiles them: all that they import is there."""
    done = buf("build", PROTOS, "-o", tmp_path / "image.binpb")
    assert done.returncode == 0, done.stderr


def test_nothing_is_broken(buf, report):
    """What was promised holds."""
    done = buf("breaking", PROTOS, "--against", BASELINE)
    assert (done.returncode, done.stdout) == (0, "")
    report("buf", buf("--version").stdout.strip(), "lint, build, nothing broken since the baseline")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("string method = 2;", "string method = 22;", 'field "2" with name "method"'),
        ("bool oneway = 6;", "int32 oneway = 6;", 'changed type from "bool" to "int32"'),
        ("CODE_BIZ = 3;", "CODE_BUSINESS = 3;", '"CODE_BIZ" to "CODE_BUSINESS"'),
    ],
)
def test_a_breaking_change_is_caught(buf, changed, old, new, complaint):
    """A field with another number or type, a value with another name."""
    done = buf("breaking", changed(old, new), "--against", BASELINE)
    assert done.returncode != 0
    assert complaint in done.stdout


def test_an_addition_breaks_nothing(buf, changed):
    """The wire may grow."""
    copy = changed("bool oneway = 6;", "bool oneway = 6;\n  bool fresh = 100;")
    done = buf("breaking", copy, "--against", BASELINE)
    assert (done.returncode, done.stdout) == (0, "")
