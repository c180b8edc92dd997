"""How much longer things take while others use the machine."""

import os


def slowness() -> float:
    """1 on a machine with a processor to spare; else how many want each of them, we included."""
    wanted = os.getloadavg()[0] / (os.cpu_count() or 1)
    return 1.0 + wanted if wanted > 1 else 1.0
