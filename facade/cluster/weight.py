"""What an endpoint is worth at the moment, beside others."""

from facade.registry.provider import Provider

# A recovered endpoint begins with this part of its weight.
LEAST = 0.1


def warmed(provider: Provider, now: float) -> float:
    """The weight of a provider that may have just started. ``now``: seconds since 1970.

    It grows in whole numbers, from 1 to the provider's own weight, in step with the time since
    it started. (Dubbo: AbstractLoadBalance#calculateWarmupWeight)
    """
    weight = provider.weight
    if not (weight and provider.started and provider.warmup):
        return weight
    uptime = now - provider.started
    if uptime >= provider.warmup:
        return weight
    return min(max(int(uptime * weight / provider.warmup), 1), weight)


def recovered(seconds: float, slow_start: float) -> float:
    """The share of its weight that an endpoint has so long after it came back.

    A straight line from a tenth to all of it, over ``slow_start`` seconds.
    """
    if seconds >= slow_start:
        return 1.0
    return LEAST + (1.0 - LEAST) * max(seconds, 0.0) / slow_start
