"""Limits for senders: of the whole proxy, and of one route."""

from typing import Annotated

from pydantic import Field

from proxy.config.base import Model
from proxy.config.parsed_values import Count, PerTime, Size, Timeout

KIB = 1 << 10


class Rate(Model):
    """How many requests senders may send."""

    per_sender: PerTime
    "Requests of one sender: 50/s, 600/m or 1000/h."
    burst: Annotated[Count, Field(ge=1)] | None = None
    "Requests at once; by default the number in per_sender."


class Limits(Model):
    """Limits for senders."""

    max_head: Annotated[Size, Field(ge=KIB)] = 64 * KIB
    "Size of request line and fields together."
    max_fields: Annotated[Count, Field(ge=1)] = 100
    "Number of fields."
    head_timeout: Timeout = 15.0
    "Time limit of a whole head."
    body_timeout: Timeout = 60.0
    "Time limit of a pause in a body."
    idle_timeout: Timeout = 75.0
    "How long a connection may be without a request, also a new one."
    max_connections: Annotated[Count, Field(ge=1)] = 10_000
    "Connections of all senders; fewer if the system has too few file descriptors."
    max_connections_per_sender: Count = 0
    "Connections of one sender; 0 for any number."
