"""Who a sender is by the certificate that it has shown."""

import ssl

LONGEST = 512
"Characters that are kept; a subject that was cut ends in … and is to be matched by nothing."


def subject_of(tls: ssl.SSLObject) -> str:
    """The subject of the certificate that the peer has shown and OpenSSL verified; nothing where there is none."""
    shown = tls.getpeercert(binary_form=True)
    return subject_of_certificate(shown) if shown else ""


def subject_of_certificate(der: bytes) -> str:
    """In the form of RFC 4514, what is not printable as hex; nothing if it cannot be read."""
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate  # noqa: PLC0415 - few senders have one

    try:
        subject = load_der_x509_certificate(der).subject.rfc4514_string()
    except (ValueError, TypeError, InvalidVersion):
        return ""
    text = "".join(each if each.isprintable() else escaped(each) for each in subject)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def escaped(character: str) -> str:
    """Its octets as RFC 4514 §2.4 writes them."""
    return "".join(f"\\{octet:02X}" for octet in character.encode("utf-8", "backslashreplace"))
