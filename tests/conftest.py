"""How hypothesis runs here: the same examples every time, and no bound on how long one takes.

To look further: pytest --hypothesis-profile=explore
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady",
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "explore", settings.get_profile("steady"), derandomize=False, max_examples=2000
)
settings.load_profile("steady")
