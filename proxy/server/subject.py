"""The subject of a sender's certificate."""

import ssl

LONGEST = 512
"Characters that are kept; a subject that was cut ends in … and matches no configured one."


def subject_of(tls: ssl.SSLObject) -> str:
    """Returns the subject of the peer's verified certificate; empty if there is none."""
    shown = tls.getpeercert(binary_form=True)
    return subject_of_certificate(shown) if shown else ""


def subject_of_certificate(der: bytes) -> str:
    """Returns the subject as in RFC 4514, with hex for what is not printable; empty if it cannot be read."""
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate  # noqa: PLC0415 - few senders have one

    try:
        subject = load_der_x509_certificate(der).subject.rfc4514_string()
    except (ValueError, TypeError, InvalidVersion):
        return ""
    text = "".join(each if each.isprintable() else escaped(each) for each in subject)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def escaped(character: str) -> str:
    """Returns its bytes as in RFC 4514 §2.4."""
    return "".join(f"\\{octet:02X}" for octet in character.encode("utf-8", "backslashreplace"))
