"""How busy a provider says that it is."""

from facade.core.invocation import Attachments

# The attachment of a response in which a provider tells its load, as text: 0 is idle, 1 is all
# that it can do, 2 twice of it. It is for the cluster that balances, and goes no further.
LOAD = "call.load"


def take_load(attachments: Attachments) -> float | None:
    """What the provider told, taken out. None where it told nothing, or nothing sensible."""
    said = attachments.pop(LOAD, None)
    if said is None:
        return None
    try:
        load = float(said)
    except ValueError:
        return None
    return min(load, 100.0) if load >= 0 else None
