"""docs/cli.md."""

import re
import shlex
from pathlib import Path

import pytest

from facade.cli.app import app

PAGE = (Path(__file__).parents[2] / "docs/cli.md").read_text()
COMMANDS = re.findall(r"^\$ facade (.+)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_page_are_understood(run, command):
    """Each has a command and options that there are."""
    if command != "--install-completion":
        run(*shlex.split(command), "--help")


def test_page_shows_every_command():
    """None is left for the reader to find."""
    shown = {command.split()[0] for command in COMMANDS}
    assert {c.callback.__name__ for c in app.registered_commands if not c.hidden} <= shown
