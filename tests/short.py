"""What is shorter, and what is borne, where CI waits."""

import os

# Fewer calls, rounds and seconds will do.
SHORT = bool(os.environ.get("FACADE_SHORT"))

# Bounds on times and rates are those of a machine of one's own. CI's has other users: a time may
# be so many times as long there.
PATIENCE = 4 if SHORT else 1
