"""The command line: ``facade``, or ``python -m facade``. It needs the extra "cli"."""

import sys


def main() -> None:
    try:
        from facade.cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit(f"facade: the command line needs {error.name}: run pip install 'facade-rpc[cli]'")
    run()
