"""What docs/interop/tools.md says to paste answers what it shows."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/interop/tools.md"
BLOCK = re.compile(
    r"^<!-- not run: make interop runs it -->\n```console\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
# A command goes on where its line ends with a backslash; its answer is the lines that follow.
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:[^$].*\n|\n)*)", re.MULTILINE)
# It gives up after 1 s, unless told otherwise; a busy machine stands still for longer.
PROBE = "grpc-health-probe"
PATIENT_PROBE = f"{PROBE} -connect-timeout 40s -rpc-timeout 40s"


def commands() -> list[tuple[str, str]]:
    return [found for block in BLOCK.findall(PAGE.read_text()) for found in COMMAND.findall(block)]


# ghz makes many calls.
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("command", "answer"), commands())
def test_paste(command, answer, tool, provider):
    """Its lines come in their order. Three dots stand for anything."""
    program = Path(tool(command.split()[0]))
    done = subprocess.run(
        command.replace("localhost:50051", provider).replace(PROBE, PATIENT_PROBE),
        shell=True,
        cwd=ROOT,
        env={**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    shown = (re.escape(" ".join(part.split())) for part in answer.split("..."))
    told = " ".join(done.stdout.split())
    assert re.fullmatch(".*".join(shown), told), done.stdout
