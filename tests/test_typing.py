"""The types of the public face, as users see them."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.timeout(300)  # without a cache, on a busy machine
def test_typical_code_type_checks(tmp_path: Path) -> None:
    """mypy, strict, finds what users write right, and finds the mistakes that are marked."""
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path), "tests/typing/api.py"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert checked.returncode == 0, checked.stdout + checked.stderr
