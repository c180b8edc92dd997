"""How long calls take a provider: as measured, with a heavy tail."""

import json
import random
from pathlib import Path

TIMES = Path(__file__).with_name("times.json")

# Each bucket of the histogram ends so many times later than it begins.
STEP = 1.1

# Of so many calls one is an odd one. It takes longer by a Pareto distribution, up to so many
# times: a lock, a page that is not in memory, a large answer.
ODD = 50
TAIL, LONGEST = 1.3, 20.0


class Work:
    """Seconds that calls take a provider on their own, ``mean`` on average. Their shape is that
    of times.json."""

    def __init__(self, mean: float, rng: random.Random) -> None:
        buckets = json.loads(TIMES.read_text())["buckets"]
        self._rng = rng
        self._starts = [STEP ** int(bucket) for bucket in buckets]
        self._counts = list(buckets.values())
        self._scale = 1.0
        # The same for each seed, so that no run has more to do than another.
        sample = Work.__new__(Work)
        sample.__dict__.update(self.__dict__, _rng=random.Random(0))
        drawn = sample.draw(200_000)
        self._scale = mean * len(drawn) / sum(drawn)

    def draw(self, count: int) -> list[float]:
        rng = self._rng
        took = rng.choices(self._starts, self._counts, k=count)
        for n in range(count):
            took[n] *= self._scale * STEP ** rng.random()
            if rng.random() < 1.0 / ODD:
                took[n] *= min(rng.paretovariate(TAIL), LONGEST)
        return took
