"""Generate facade/v1 from the .proto files, or check that it is fresh.

PROTOC names the Python that has grpcio-tools: `make protos`, `make check`.
"""

import filecmp
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "facade" / "v1"


def generate(into: Path) -> list[Path]:
    sources = sorted((ROOT / "protos/facade/v1").glob("*.proto"))
    command = [os.environ["PROTOC"], "-m", "grpc_tools.protoc", f"-I{ROOT / 'protos'}"]
    command += [f"--python_out={into}", f"--pyi_out={into}", *map(str, sources)]
    subprocess.run(command, check=True)
    return sorted((into / "facade/v1").glob("*_pb2.py*"))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = generate(Path(folder))
        if "--check" in sys.argv:
            known = {path.name for path in TARGET.glob("*_pb2.py*")}
            stale = known ^ {path.name for path in made}
            stale |= {
                path.name
                for path in made
                if path.name in known and not filecmp.cmp(path, TARGET / path.name, shallow=False)
            }
            if stale:
                sys.exit(f"stale in facade/v1: {', '.join(sorted(stale))}; run `make protos`")
            print("facade/v1 is fresh")
            return
        for path in made:
            (TARGET / path.name).write_bytes(path.read_bytes())


if __name__ == "__main__":
    main()
