"""An argument of a call, for who sends calls by what they carry."""

from facade.core.invocation import Invocation


def argument(invocation: Invocation, place: int) -> str | None:
    """As text, the one at this place, whether it was given by position or by name; None where
    there is none. A call without an interface has no places for what is given by name."""
    if place < len(invocation.arguments):
        return str(invocation.arguments[place])
    keywords, method = invocation.keywords, invocation.method
    if keywords and method is not None and place < len(method.parameters):
        name = method.parameters[place].name
        if name in keywords:
            return str(keywords[name])
    return None
