"""What a run has measured, and on what, as JSON: benchmarks/record.json is what the docs show."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.bench import Line

RECORD = Path(__file__).with_name("record.json")
PACKAGES = (
    "grpcio",
    "protobuf",
    "msgspec",
    "grpclib",
    "connectrpc",
    "apache-dubbo",
    "rpyc",
    "Pyro5",
    "thriftpy2",
)


@dataclass
class Record:
    """``facts``: about the run. ``layers``: microseconds of a call, by layer and end. ``failed``:
    questions without an answer; they are not written."""

    facts: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    layers: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, line: Line) -> None:
        self.lines[line.name] = line

    def write(self, path: Path) -> None:
        whole = {
            "facts": self.facts,
            "lines": [_rounded(asdict(line)) for line in self.lines.values()],
            "layers": self.layers,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(whole, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path = RECORD) -> "Record":
        whole = json.loads(path.read_text())
        lines = {line["name"]: Line(**line) for line in whole["lines"]}
        return cls(whole["facts"], lines, whole["layers"])


def _rounded(line: dict[str, Any]) -> dict[str, Any]:
    return {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in line.items()}


def facts(loop: str, effort: str, pinned: bool) -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "effort": effort,
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "system": f"{platform.system()} {platform.machine()}",
        "loop": loop,
        "pinned": pinned,
        "load": round(os.getloadavg()[0], 1),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
