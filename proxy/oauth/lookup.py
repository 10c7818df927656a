"""The names of token endpoints and of the corporate proxies before them, for aiohttp."""

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from proxy.wire.resolver import Address, Resolver


class GrantResolver(AbstractResolver):
    """Asks the resolver that upstreams use."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Addresses of any family, as the connector wants them; OSError if there are none."""
        del family
        return [
            ResolveResult(
                hostname=host,
                host=textual(address),
                port=port,
                family=found,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found, _, proto, _, address in await self._resolver.resolve(host, port)
        ]

    async def close(self) -> None:
        """There is nothing to close."""


def textual(address: Address) -> str:
    """The host of an address, with the zone where it has one (RFC 4007 §11)."""
    zone = address[3] if len(address) > 3 else 0
    return f"{address[0]}%{zone}" if zone else str(address[0])
