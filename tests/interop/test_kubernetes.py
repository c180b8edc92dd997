"""The manifests of docs/kubernetes.md are what Kubernetes takes: its schema says so."""

import os
import subprocess
import sys

from tests.test_docs import ROOT, blocks

VALIDATE = ROOT / ".tools/kubernetes-validate"


def test_manifests_are_as_kubernetes_wants_them(tmp_path, missing, report):
    """Every field has a name and a type that Kubernetes knows; others are refused."""
    if not VALIDATE.exists():
        missing("kubernetes-validate")
    found = [b.code for b in blocks(ROOT / "docs/kubernetes.md") if b.language == "yaml"]
    whole = [code for code in found if "kind: " in code]
    assert whole
    (tmp_path / "manifests.yaml").write_text("---\n".join(whole))
    done = subprocess.run(
        [sys.executable, "-m", "kubernetes_validate", "--strict", tmp_path / "manifests.yaml"],
        env={**os.environ, "PYTHONPATH": str(VALIDATE)},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report("kubernetes-validate", done.stdout.split()[-1], "reads the manifests of the docs")
