"""What Dubbo does, a test for each behaviour: marked with its number, and counted at the end."""

from typing import Any

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let reports know which behaviours they are about."""
    for item in items:
        for mark in item.iter_markers("behaviour"):
            item.user_properties += [("behaviour", number) for number in mark.args]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    shown = _behaviours(terminalreporter, "passed")
    failed = _behaviours(terminalreporter, "failed") | _behaviours(terminalreporter, "error")
    if shown or failed:
        terminalreporter.write_line(
            f"conformance: {len(shown - failed)} of {len(shown | failed)} behaviours of Dubbo pass"
        )


def _behaviours(terminalreporter: Any, outcome: str) -> set[str]:
    reports = terminalreporter.stats.get(outcome, ())
    return {
        number
        for report in reports
        for key, number in getattr(report, "user_properties", ())
        if key == "behaviour"
    }
