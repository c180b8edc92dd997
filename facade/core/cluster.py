"""What may be said of how many providers are called as one."""

from collections.abc import Mapping

# Of a service, and of a method, but for the last row. Both ends know them, as an interface may
# say them; what they do is in facade.cluster.
KEYS: Mapping[str, type | tuple[type, ...]] = {
    "cluster": str,
    "loadbalance": object,
    "hash_arguments": (tuple, list),
    "hash_nodes": int,
    "retries": int,
    "retry_backoff": float,
    "retry_backoff_max": float,
    "attempt_timeout": (float, type(None)),
    "sticky": bool,
    "merger": object,
    "mock": (object, bool),
    "mock_force": bool,
    **dict.fromkeys(("retry_budget", "failback_pause"), float),
    **dict.fromkeys(("failback_retries", "failback_tasks", "forks"), int),
    "broadcast_fail_percent": int,
}

# Of an export, for the registries that it is announced at.
ANNOUNCED: Mapping[str, type | tuple[type, ...]] = {
    "weight": int,
    "warmup": float,
    "tag": str,
    "zone": str,
    "parameters": dict,
}
