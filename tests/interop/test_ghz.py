"""ghz: load on Invoke, from a client that knows nothing but the .proto files."""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(300)
def test_load(tool, provider, report):
    """Each of many calls at once is answered."""
    body = {"service": "demo.Greeter", "method": "hello", "value": ["Ann"]}
    command = [
        *(tool("ghz"), "--insecure", "-n", "2000", "-c", "20", "-O", "json"),
        *("--connect-timeout", "40s", "--timeout", "40s"),
        *("--import-paths", "protos", "--proto", "facade/v1/exchange.proto"),
        *("--call", "facade.v1.Facade/Invoke", "-d", json.dumps(body), provider),
    ]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["statusCodeDistribution"] == {"OK": 2000}
    version = subprocess.run([tool("ghz"), "--version"], capture_output=True, text=True, check=True)
    did = f"2,000 calls, 20 at once, {told['rps']:,.0f} calls/s"
    report("ghz", (version.stdout + version.stderr).strip(), did)
