"""Texts that configurations are put together from."""

import json
from typing import Any

from tests.fakes.identity import CERTIFICATE, KEY

TOKEN_URL = "https://as.example.com/token"
KEY_URL = "https://t.it-cpi001-rt.cfapps.eu10.hana.ondemand.com"
PEM = KEY + CERTIFICATE
"A key and its certificate, with the chain."
OAUTH = {
    "clientid": "sb-1",
    "clientsecret": "s$x=",
    "tokenurl": "https://t.authentication.x/oauth/token",
    "url": KEY_URL,
}
SECRET_KEY = json.dumps({"oauth": OAUTH})
CERTIFICATE_KEY = json.dumps({"oauth": {**OAUTH, "clientsecret": None, "certificate": PEM, "key": PEM}})
EXTERNAL_KEY = json.dumps({"oauth": {**OAUTH, "clientsecret": None, "certificate": PEM}})
BASIC: dict[str, Any] = {"token_url": TOKEN_URL, "client_id": "a", "client_secret": "s"}
ROUTE: dict[str, Any] = {"path": "/x", "upstream": "https://up.example.com/http/x", "oauth_client": "a"}


def written(*, client: Any = None, route: Any = None, routes: Any = None, **general: Any) -> str:
    """A file (JSON is YAML) with one OAuth client `a` and one route or several."""
    document = {"oauth_clients": {"a": BASIC if client is None else client}, **general}
    return json.dumps({**document, "routes": [route or ROUTE] if routes is None else routes})
