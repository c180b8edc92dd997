"""Generate facade/v1 and what tests and examples use from .proto files, or check that it is fresh.

PROTOC names the Python that has grpcio-tools: `make protos`, `make check`.
"""

import filecmp
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# By folder of what is generated: where its .proto files are found, and what is made of them.
TARGETS = {
    "facade/v1": ("protos", ["--python_out={}", "--pyi_out={}"]),
    # Stubs as users have them, to call and to serve.
    "tests/greeter": (".", ["--python_out={}", "--pyi_out={}", "--grpc_python_out={}"]),
    "examples/interop/dubbo/petstore": (".", ["--python_out={}", "--pyi_out={}"]),
}


def generate(target: str, into: Path) -> list[Path]:
    root, outputs = TARGETS[target]
    sources = sorted((ROOT / root / target).glob("*.proto"))
    command = [os.environ["PROTOC"], "-m", "grpc_tools.protoc", f"-I{ROOT / root}"]
    command += [output.format(into) for output in outputs]
    subprocess.run([*command, *map(str, sources)], check=True)
    return sorted((into / target).glob("*_pb2*"))


def stale(target: str, made: list[Path]) -> set[str]:
    known = {path.name for path in (ROOT / target).glob("*_pb2*.py*")}
    return known ^ {path.name for path in made} | {
        path.name
        for path in made
        if path.name in known and not filecmp.cmp(path, ROOT / target / path.name, shallow=False)
    }


def main() -> None:
    for target in TARGETS:
        with tempfile.TemporaryDirectory() as folder:
            made = generate(target, Path(folder))
            if "--check" not in sys.argv:
                for path in made:
                    (ROOT / target / path.name).write_bytes(path.read_bytes())
            elif old := stale(target, made):
                sys.exit(f"stale in {target}: {', '.join(sorted(old))}; run `make protos`")
            else:
                print(f"{target} is fresh")


if __name__ == "__main__":
    main()
