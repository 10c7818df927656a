"""How many connections of senders a process can have."""

from proxy.config.model import Configuration
from proxy.observe.logger import Logger
from proxy.server.descriptors import most_connections

FEW = 0.9
"Share of `limits.max_connections`; if the system allows less, the log says so."


def connection_limit(configuration: Configuration, log: Logger) -> int:
    """Returns how many connections of senders the system allows; logs if that is clearly less than configured."""
    configured = configuration.limits.max_connections
    most = most_connections(configured, spools=any(route.uses_files for route in configuration.routes))
    if most < FEW * configured:
        detail = f"`limits.max_connections` is {configured}, but the system allows fewer descriptors; see `ulimit -n`."
        log.warning("connections.limited", most=most, detail=detail)
    return most
