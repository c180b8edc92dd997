"""Many providers as one: which of them is called, and what happens when one fails.

Pure: invokers over invokers, without a socket. ``Directory`` has the endpoints, ``Clusters``
calls them as settings say.
"""

from facade.cluster.available import Available
from facade.cluster.balance import BALANCERS, Balancer, named_balancer
from facade.cluster.broadcast import Broadcast
from facade.cluster.build import CLUSTERS, KEYS, Clusters, mocked
from facade.cluster.chooser import Chooser
from facade.cluster.cluster import Cluster
from facade.cluster.condition import ConditionRouter
from facade.cluster.directory import Directory
from facade.cluster.endpoint import Endpoint, Open, Opened
from facade.cluster.failback import Failback
from facade.cluster.failfast import Failfast
from facade.cluster.failover import Failover
from facade.cluster.failsafe import Failsafe
from facade.cluster.forking import Forking
from facade.cluster.health import Health, State
from facade.cluster.mergeable import Mergeable
from facade.cluster.mock import Mock
from facade.cluster.router import Router
from facade.cluster.subset import Subset
from facade.cluster.tag import TagRouter
from facade.cluster.zone import ZoneRouter

__all__ = [
    # the endpoints
    "Directory",
    "Endpoint",
    "Open",
    "Opened",
    "Subset",
    "Health",
    "State",
    "Router",
    "TagRouter",
    "ConditionRouter",
    "ZoneRouter",
    # the choice
    "Chooser",
    "Balancer",
    "named_balancer",
    "BALANCERS",
    # what is done with it
    "Clusters",
    "Cluster",
    "CLUSTERS",
    "KEYS",
    "mocked",
    "Failover",
    "Failfast",
    "Failsafe",
    "Failback",
    "Forking",
    "Broadcast",
    "Available",
    "Mergeable",
    "Mock",
]
