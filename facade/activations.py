"""Where our own filters switch themselves on. What sleeps need not be loaded.

The filters say the same by ``@activate``, and a test holds this against it.
"""

from collections.abc import Mapping

from facade.core.filter import CONSUMER as _CONSUMER
from facade.core.filter import PROVIDER as _PROVIDER

CONSUMER, PROVIDER = (_CONSUMER,), (_PROVIDER,)
BOTH = (_CONSUMER, _PROVIDER)

# By the value of the entry point: the sides, and the settings of which one must be there.
OURS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "facade.filters.access_log:AccessLog": (BOTH, ("access_log",)),
    "facade.filters.active_limit:ActiveLimit": (CONSUMER, ("actives",)),
    "facade.filters.adaptive_limit:AdaptiveLimit": (BOTH, ("adaptive_limit",)),
    "facade.filters.auth_sign:AuthSign": (CONSUMER, ("auth_secret",)),
    "facade.filters.auth_verify:AuthVerify": (
        PROVIDER,
        ("auth_keys", "auth_window", "auth_sessions"),
    ),
    "facade.filters.bearer:Bearer": (CONSUMER, ("bearer",)),
    "facade.filters.bearer_verify:BearerVerify": (
        PROVIDER,
        ("bearer_verify", "jwt_key", "jwt_algorithms", "jwt_audience", "jwt_issuer"),
    ),
    "facade.filters.bulkhead:Bulkhead": (BOTH, ("bulkhead",)),
    "facade.filters.cache:Cache": (CONSUMER, ("cache",)),
    "facade.filters.circuit_breaker:CircuitBreaker": (CONSUMER, ("circuit_breaker",)),
    "facade.filters.consumer_context:ConsumerContext": (CONSUMER, ()),
    "facade.filters.consumer_token:ConsumerToken": (CONSUMER, ("token",)),
    "facade.filters.context:Context": (PROVIDER, ()),
    "facade.filters.deprecated:Deprecated": (BOTH, ("deprecated",)),
    "facade.filters.echo:Echo": (PROVIDER, ()),
    "facade.filters.exception:Exception": (PROVIDER, ()),
    "facade.filters.execute_limit:ExecuteLimit": (PROVIDER, ("executes",)),
    "facade.filters.fault:Fault": (BOTH, ("fault_delay", "fault_abort")),
    "facade.filters.future_events:FutureEvents": (CONSUMER, ("oninvoke", "onreturn", "onthrow")),
    "facade.filters.generic:Generic": (PROVIDER, ()),
    "facade.filters.hedge:Hedge": (CONSUMER, ("hedge_after", "hedges")),
    "facade.filters.load:Load": (PROVIDER, ("load",)),
    "facade.filters.monitor:Monitor": (BOTH, ("monitor",)),
    "facade.filters.otel:Otel": (BOTH, ("otel",)),
    "facade.filters.profiler:Profiler": (BOTH, ("profiler",)),
    "facade.filters.prometheus:Prometheus": (BOTH, ("prometheus",)),
    "facade.filters.provider_cache:ProviderCache": (PROVIDER, ("cache",)),
    "facade.filters.provider_validation:ProviderValidation": (PROVIDER, ("validation",)),
    "facade.filters.retry:Retry": (CONSUMER, ("retries",)),
    "facade.filters.timeout:Timeout": (PROVIDER, ()),
    "facade.filters.token:Token": (PROVIDER, ("token",)),
    "facade.filters.tps_limit:TpsLimit": (BOTH, ("tps",)),
    "facade.filters.trace:Trace": (PROVIDER, ("trace",)),
    "facade.filters.validation:Validation": (CONSUMER, ("validation",)),
}
