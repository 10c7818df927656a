"""Message processing log ids, by which a message is found in the tenant's monitor."""

import re

_IN_FAILURE = re.compile(rb"MPL ID for the failed message is\s*[:=]\s*([A-Za-z0-9_-]{20,64})")


def mpl_id_in_failure(text: bytes) -> str:
    """The id in the text of a failure (SAP: `The MPL ID for the failed message is : AG…`), or nothing."""
    found = _IN_FAILURE.search(text)
    return found[1].decode() if found else ""


def ids_in_fields(fields: tuple[tuple[bytes, bytes], ...]) -> tuple[str, str]:
    """(MPL id, correlation id) in the fields of an answer; `x-correlationid` before `sap_mplcorrelationid`."""
    mpl = correlation = other = b""
    for name, value in fields:
        match len(name):
            case 26 if name.lower() == b"sap_messageprocessinglogid":
                mpl = value
            case 15 if name.lower() == b"x-correlationid":
                correlation = value
            case 20 if name.lower() == b"sap_mplcorrelationid":
                other = value
    return mpl.decode("latin-1"), (correlation or other).decode("latin-1")
