"""The files of a listener's TLS are looked at before anybody connects."""

from proxy.config.model import ListenerTls
from tests.cases import cases
from tests.fakes.identity import CERTIFICATE, KEY, OTHER_KEY
from tests.unit.config.entries import FOLDER, PEM, complaints, understand, written


def listening(**tls: str) -> str:
    """A file whose listener has this TLS."""
    return written(listen=[{"address": "127.0.0.1:1"}, {"address": "127.0.0.1:2", "tls": tls}])


@cases(
    "tls",
    {"cert_file": "both"},
    {"cert_file": "cert", "key_file": "key"},
    {"cert_file": "cert", "key_file": "key", "client_ca_file": "cert"},
)
def test_a_pair_that_belongs_together_is_taken(tls: dict[str, str]) -> None:
    """The key may be behind the certificate."""
    found = understand(listening(**tls), files={"both": PEM, "cert": CERTIFICATE, "key": KEY})
    assert found.listen[0].tls is None
    assert found.listen[1].tls == ListenerTls.model_validate({key: FOLDER / value for key, value in tls.items()})


@cases(
    "tls, told",
    ({"cert_file": "nowhere"}, "cert_file: is not there"),
    ({"cert_file": "key"}, "cert_file: the file /etc/test/key contains no readable certificate"),
    ({"cert_file": "cert"}, "cert_file: the file /etc/test/cert contains no readable private key"),
    ({"cert_file": "cert", "key_file": "nowhere"}, "key_file: is not there"),
    ({"cert_file": "cert", "key_file": "other"}, "key_file: the file /etc/test/other belongs to another"),
    (
        {"cert_file": "both", "client_ca_file": "key"},
        "client_ca_file: the file /etc/test/key contains no readable certificate",
    ),
)
def test_what_cannot_be_used_is_told(tls: dict[str, str], told: str) -> None:
    """At the option concerned, with what to do."""
    files = {"both": PEM, "cert": CERTIFICATE, "key": KEY, "other": OTHER_KEY}
    (problem,) = complaints(listening(**tls), files=files)
    assert problem.startswith(f"proxy.yaml:1: listen[1].tls.{told}")
