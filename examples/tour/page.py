"""What the tour prints: a heading, words, and what really came back."""

import inspect
import textwrap

WIDTH = 80
_LABEL = 22


class Surprise(Exception):
    """The tour saw something else than it tells."""


def introduce(number: int, documented: object) -> None:
    """A stop: the first line of its docstring is the heading, the rest are the words."""
    heading, _, words = (inspect.getdoc(documented) or "").partition("\n\n")
    title = f"{number}. {heading}"
    print(f"\n{title}\n{'-' * len(title)}")
    for paragraph in words.split("\n\n"):
        print(textwrap.fill(paragraph, WIDTH))


def show(label: str, value: object) -> None:
    lines = textwrap.wrap(str(value), WIDTH - _LABEL - 4, break_on_hyphens=False) or [""]
    print(f"  {label:{_LABEL}}  {lines[0]}")
    for line in lines[1:]:
        print(" " * (_LABEL + 4) + line)


def expect(truth: bool, what: str) -> None:
    """End the tour where ``what`` is not so."""
    if not truth:
        raise Surprise(f"it is not so that {what}")
