"""TLS towards servers, always verified: 1.2 or 1.3, certificate and name checked, whatever the system's defaults are.

Everything here reads files and takes tens of milliseconds: it belongs in front of the event loop, or into a thread.
"""

import ssl
from os import PathLike


def verifying_context(ca_file: PathLike[str] | None = None) -> ssl.SSLContext:
    """Trusts the authorities in `ca_file`, else the system's (OpenSSL heeds SSL_CERT_FILE and SSL_CERT_DIR).

    OSError, ssl.SSLError among them, if the file cannot be read or holds none.
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # some systems' default is older
    return context


def present(context: ssl.SSLContext, cert_file: PathLike[str] | str, key_file: PathLike[str] | None = None) -> None:
    """Shows this certificate to the peer; OSError, ssl.SSLError among them, if file or key cannot be used."""
    context.load_cert_chain(cert_file, key_file, password=_no_password)


def reason_of(error: ssl.SSLError) -> str:
    """OpenSSL's own words, which hold nothing of the peer's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    return (getattr(error, "reason", None) or "TLS error").lower().replace("_", " ")  # set by OpenSSL only


def certificate_advice(error: ssl.SSLCertVerificationError) -> str:
    """What to do about a certificate that is not accepted, by OpenSSL's number for the reason (X509_V_ERR_…)."""
    match error.verify_code:
        case 9 | 10:
            return "its time has not come or is over, check this machine's clock, or have it renewed"
        case 62 | 63 | 64:
            return "it belongs to another host, check the host name in the configuration"
        case _:
            return "set `tls.ca_file` to the certificate of its authority"


def _no_password() -> str:
    """Answers OpenSSL, which would ask on the terminal for the password of an encrypted key."""
    return ""
