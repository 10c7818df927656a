"""A service key of SAP BTP, as downloaded: client, credentials and URLs.

Three shapes: the key of a Process Integration Runtime instance (`{"oauth": {…}}`, SAP Help "Creating Service Instance
and Service Key for Inbound Authentication"), with a secret or a certificate; and the flat binding of XSUAA itself
("Retrieve Credentials"), whose `url` is the authorization server's. The cf command wraps each in `credentials`, Cloud
Foundry lists them in VCAP_SERVICES (vcap.py), and Kubernetes makes a folder of one (binding_folder.py).
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from proxy.config.checked_text import check_client_id, check_secret
from proxy.config.pem import check_certificate, check_identity, repair_pem
from proxy.config.urls import check_server, check_token_url
from proxy.config.vcap import bound_key, lists_bindings

WRAPPERS = ("credentials", "oauth")
"Keys that a service key may be nested in, from outside to inside; as a file of a folder each is JSON."
ENTRIES = ("clientid", "clientsecret", "tokenurl", "url", "certurl", "certificate", "key")
"The entries that are read."
_FIRST_BRACE = re.compile(r"^[ \t]*\{", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKey:
    """A parsed service key, with a secret, or a certificate with or (External Certificate) without its key."""

    client_id: str
    token_url: str
    url: str | None
    "The runtime's URL without a slash at its end; a binding of XSUAA has none."
    client_secret: SecretStr | None = None
    certificate: SecretStr | None = None
    private_key: SecretStr | None = None


def parse_service_key(text: str) -> ServiceKey:
    """Parses a JSON text; ValueError says what is wrong and shows nothing of the text."""
    document = _printed(text)
    if lists_bindings(document):
        document = bound_key(document)
    for wrapper in WRAPPERS:
        if isinstance(document, dict) and wrapper in document:
            document = document[wrapper]
            document = _json(document) if isinstance(document, str) else document
    if not isinstance(document, dict):
        raise ValueError("is not a service key; it has no mapping with clientid in it")  # noqa: TRY004 (a file's content)
    secret, certificate, private_key = (_text(document, name) for name in ("clientsecret", "certificate", "key"))
    if not secret and not certificate:
        raise ValueError("has neither clientsecret nor certificate; use the service key as downloaded")
    return ServiceKey(
        client_id=_checked("clientid", check_client_id, _required(document, "clientid")),
        token_url=_checked("tokenurl", check_token_url, _token_url(document, by_certificate=not secret)),
        url=_runtime_url(document),
        client_secret=SecretStr(_checked("clientsecret", check_secret, secret)) if secret else None,
        **({} if secret else _identity(certificate or "", private_key)),
    )


def _printed(text: str) -> Any:
    """Returns the document that a command printed: `cf service-key` adds a line above it, others add OK below."""
    try:
        return _json(text)
    except ValueError:
        begin = _FIRST_BRACE.search(text)
        if begin is None:
            raise
        return _json(text[begin.start() : text.rfind("}") + 1])


def _json(text: str) -> Any:
    """Parses JSON; refuses half a surrogate pair (RFC 8259 §8.2), which could not be sent on."""
    try:
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ValueError("is not valid JSON; use the service key as downloaded") from None
    return document


def _identity(certificate: str, private_key: str | None) -> dict[str, SecretStr | None]:
    """Returns the certificate, with its key unless that is elsewhere (External Certificate)."""
    certificate = _checked("certificate", repair_pem, certificate)
    key = _checked("key", repair_pem, private_key) if private_key else None
    _checked("certificate", check_certificate, certificate)
    if key is not None:
        _checked("key", lambda text: check_identity(certificate, text), key)
    return {"certificate": SecretStr(certificate), "private_key": SecretStr(key) if key is not None else None}


def _token_url(document: dict[str, Any], *, by_certificate: bool) -> str:
    """Returns the token URL; a binding of XSUAA has only its server, and another for certificates (RFC 8705 §5)."""
    if url := _text(document, "tokenurl"):
        return url
    server = (_text(document, "certurl") if by_certificate else None) or _required(document, "url")
    return server.removesuffix("/") + "/oauth/token"


def _runtime_url(document: dict[str, Any]) -> str | None:
    url = _text(document, "url") if _text(document, "tokenurl") else None
    return _checked("url", check_server, url) if url else None


def _required(document: dict[str, Any], name: str) -> str:
    text = _text(document, name)
    if not text:
        raise ValueError(f"has no {name}; use the service key as downloaded")
    return text


def _text(document: dict[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"has a {name} that is not text; use the service key as downloaded")
    return value


def _checked(name: str, check: Any, text: str) -> str:
    try:
        return str(check(text))
    except ValueError as error:
        raise ValueError(f"has a {name} that cannot be used: it {error}") from None
