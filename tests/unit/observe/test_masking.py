"""Possible credentials are shown by name."""

from proxy.observe.masking import masked_field, masked_query, shown_field
from tests.cases import cases

MASKED = """
    Authorization AUTHORIZATION X-Forwarded-Authorization X-AUTH Cookie COOKIE X-CSRF-Token X-Api-Key X-Key apikey
    ApiKey Ocp-Apim-Subscription-Key Key X-Access-Token X-Client-Secret secret X-Password X-Passwd x-pwd
    X-Hub-Signature-256 X-Sig sig X-SAML-Assertion X-Session-Id SessionId MYSAPSSO2 Referer X-Tenant
"""


@cases("line", "X-Key: s3cr3t", "X-Key:s3cr3t", "X-Key: a: b", "X-Key:")
def test_a_masked_field_shows_its_name_only(line: str) -> None:
    """For any value, with colons too."""
    assert masked_field(line) == "X-Key: ***"


@cases("name", *MASKED.split())
def test_a_name_that_sounds_like_a_credential_is_masked(name: str) -> None:
    """In any case; so is a name that is said to."""
    assert shown_field(f"{name}: v", {"x-tenant"}) == f"{name}: ***"


@cases(
    "line",
    "Host: cpi.example",
    "Content-Type: a/b",
    "SAP_Sender: ERP",
    "SOAPAction: urn:x",
    "Design: 1",
    "X-Monkey: 1",
    "X-Tenant: 1",
    "X-CSRF-Token: Fetch",
    "x-csrf-token:required",
)
def test_other_fields_are_shown(line: str) -> None:
    """As words; asking for a CSRF token is no secret."""
    assert shown_field(line) == line


@cases(
    "query, shown",
    ("", ""),
    ("a=b&c=d;e=f", "a=b&c=d;e=f"),
    ("access_token=x&a=b", "access_token=***&a=b"),
    ("a=b;API-KEY=x==y&sig=z", "a=b;API-KEY=***&sig=***"),
    ("%61pi_key=x&pass%57ord=y", "%61pi_key=***&pass%57ord=***"),
    ("token", "token"),
    ("=x&token=", "=x&token=***"),
    ("api%5Fkey=s3cr3t;token=x=y&b&c=", "api%5Fkey=***;token=***&b&c="),
)
def test_a_query_shows_the_names_of_its_credentials(query: str, shown: str) -> None:
    """In any spelling."""
    assert masked_query(query) == shown
