"""What a corporate proxy asks for."""

from proxy.wire.challenge import challenge
from tests.cases import cases

ADVICE = "allow Basic, or this machine without credentials, there, or chain a proxy that supports it"
REFUSED = "refuses the credentials; check name and password in `proxy_url` or HTTPS_PROXY, percent-encoded there"
WANTED = "wants credentials; put them into `proxy_url`"


@cases(
    "values",
    {
        "it does not say what it takes": [],
        "Basic": ['Basic realm="x"'],
        "Basic among fields": ["NTLM", "basic"],
        "Basic at the end of one field": ['Negotiate, NTLM, BASIC realm="a, b \\" c"'],
        "Basic behind parameters": ['Digest realm="x", nonce="y", qop="auth", Basic realm="x"'],
    },
)
def test_credentials_are_missing_or_wrong_where_basic_is_taken(values: list[str]) -> None:
    """It is said where to mend it."""
    assert challenge(values, has_credentials=False) == WANTED
    assert challenge(values, has_credentials=True) == REFUSED


@cases(
    "values, named",
    (["NTLM"], "NTLM"),
    (["negotiate", "ntlm"], "Negotiate or NTLM"),
    (["Negotiate, NTLM"], "Negotiate or NTLM"),
    (["NTLM TlRMTVNTUAAC=="], "NTLM"),
    (["Kerberos"], "Kerberos"),
    (['Digest realm="Basic, Basic x", nonce="1"'], "Digest"),
    (["Digest realm = Basic, basic = 1"], "Digest"),
    (["Canary-Scheme x", "Other"], "credentials of another kind"),
)
def test_credentials_help_nothing_where_basic_is_not_taken(values: list[str], named: str) -> None:
    """Only the names of known schemes are shown."""
    assert challenge(values, has_credentials=True) == (
        f"wants {named}: credentials are configured; this proxy takes Basic only; {ADVICE}"
    )
    assert challenge(values, has_credentials=False) == f"wants {named}: this proxy takes Basic only; {ADVICE}"
