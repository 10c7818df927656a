"""The landscape (data center) of SAP's host names, to see whether a token URL and a runtime belong together.

Only the landscape is compared: neither host can be derived from the other (SAP Help, Neo, "Regions and Hosts"; BTP,
"Regions and API Endpoints").
"""

import re
from typing import NamedTuple

_NEO = re.compile(r"oauthasservices-[^.]+\.(.+)|[^.]+-(?:iflmap|hcioem)\.hci[a-z]*\.(.+)")
_CLOUD_FOUNDRY = re.compile(r"[^.]+\.authentication(?:\.cert)?\.(.+)|[^.]+\.it-[^.]+-rt\.(?:cfapps|cpi)\.(.+)")
_EXTENSION = re.compile(r"^([a-z]{2}\d{2})-\d{3}(?=\.)")
"A region has several landscapes, eu10-004 for instance, and one XSUAA."


class Landscape(NamedTuple):
    """Where a host is."""

    environment: str
    domain: str

    def __str__(self) -> str:
        return f"{self.environment}, {self.domain}"


def landscape(host: str) -> Landscape | None:
    """Returns the landscape of an authorization server or runtime; None for any other name."""
    if found := _NEO.fullmatch(host):
        domain = found[1] or found[2]
        return Landscape("Neo", "eu1.hana.ondemand.com" if domain == "hana.ondemand.com" else domain)
    if found := _CLOUD_FOUNDRY.fullmatch(host):
        domain = _EXTENSION.sub(r"\1", found[1] or found[2])
        return Landscape("Cloud Foundry", domain.replace(".apps.platform.sapcloud.cn", ".platform.sapcloud.cn"))
    return None
