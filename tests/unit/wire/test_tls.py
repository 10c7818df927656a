"""TLS towards servers."""

import ssl
from types import SimpleNamespace
from typing import cast

import pytest

from proxy.wire.tls import certificate_advice, verifying_context


def test_verification_is_always_on() -> None:
    """Certificate and host name are checked."""
    context = verifying_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_nothing_older_than_tls_1_2_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the system would, as Debian's Python does."""
    lax = ssl.create_default_context()
    lax.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    monkeypatch.setattr(ssl, "create_default_context", lambda **_: lax)
    assert verifying_context().minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        pytest.param(9, "clock", id="not yet valid"),
        pytest.param(10, "renewed", id="expired"),
        pytest.param(62, "host name", id="another host"),
        pytest.param(64, "host name", id="another address"),
        pytest.param(20, "`tls.ca_file`", id="an issuer that nobody knows"),
        pytest.param(18, "`tls.ca_file`", id="self-signed"),
    ],
)
def test_a_certificate_is_not_accepted_for_a_reason(code: int, advice: str) -> None:
    """What is to be done depends on OpenSSL's number for it."""
    error = cast("ssl.SSLCertVerificationError", SimpleNamespace(verify_code=code))
    assert advice in certificate_advice(error)
