"""Ids of the message processing log (MPL), with which a message is found in the tenant's monitor."""

import re

from proxy.wire.grammar import Fields

_IN_FAILURE = re.compile(rb"MPL ID for the failed message is\s*[:=]\s*([A-Za-z0-9_-]{20,64})")


def mpl_id_in_failure(text: bytes) -> str:
    """Returns the id in the text of a failure (`The MPL ID for the failed message is : AG…`), or an empty text."""
    found = _IN_FAILURE.search(text)
    return found[1].decode() if found else ""


def ids_in_fields(fields: Fields) -> tuple[str, str]:
    """Returns MPL id and correlation id; `x-correlationid` wins over `sap_mplcorrelationid`. Empty if there is none."""
    correlation = fields.value(b"x-correlationid") or fields.value(b"sap_mplcorrelationid")
    return fields.value(b"sap_messageprocessinglogid").decode("latin-1"), correlation.decode("latin-1")
