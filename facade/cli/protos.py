"""``facade protos``: the wire contract, for code generators."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from facade.cli import failure

# The folder that the files have in the wheel, in protos/, and in their own import lines.
FOLDER = Path("facade/v1")


def protos(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; made if need be.")],
) -> None:
    """Copy the .proto files of the wire, to generate stubs in any language.

    They keep their folder: protoc -I DIR DIR/facade/v1/*.proto
    """
    files = find()
    if not files:
        failure.fail("this installation has no .proto files: install facade-rpc from a wheel")
    target = directory / FOLDER
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copyfile(file, target / file.name)
            typer.echo(target / file.name)
    except OSError as error:
        failure.fail(f"cannot write: {error}")


def find() -> list[Path]:
    """Beside the generated code in a wheel, in protos/ of a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "v1", package.parent / "protos" / FOLDER):
        found = sorted(folder.glob("*.proto"))
        if found:
            return found
    return []
