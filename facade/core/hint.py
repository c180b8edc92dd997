"""What to say of a name that is not known."""

from collections.abc import Iterable


def suggest(name: str, known: Iterable[str]) -> str:
    """The start of a sentence that goes on with what there is: the nearest name, or nothing."""
    import difflib  # takes a while, and is for mistakes only

    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def hint(name: str, known: Iterable[str], otherwise: str) -> str:
    """The nearest name, or ``otherwise``."""
    return suggest(name, known).rstrip() or otherwise
