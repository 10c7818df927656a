"""Possible credentials are shown by name."""

from proxy.observe.masking import is_shown, masked_field, masked_query, shown_field
from tests.cases import cases, grouped_cases


@cases("line", "X-Key: s3cr3t", "X-Key:s3cr3t", "X-Key: a: b", "X-Key:")
def test_a_masked_field_shows_its_name_only(line: str) -> None:
    """For any value, with colons too."""
    assert masked_field(line) == "X-Key: ***"


@cases("name", "Authorization", "COOKIE", "X-Key", "X-Passwd", "x-pwd", "Referer", "X-Sig", "secret")
def test_a_name_that_sounds_like_a_credential_is_masked(name: str) -> None:
    """In any case; so is a name that is said to."""
    assert shown_field(f"{name}: v") == f"{name}: ***"
    assert not is_shown("X-Other", "v", {"x-other"})


@cases("line", "Content-Type: a/b", "X-Design: a", "X-CSRF-Token: Fetch", "x-csrf-token:required")
def test_other_fields_are_shown(line: str) -> None:
    """And harmless words of X-CSRF-Token."""
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
)
def test_a_query_shows_the_names_of_its_credentials(query: str, shown: str) -> None:
    """In any spelling."""
    assert masked_query(query) == shown


@grouped_cases(
    "shown, name",
    (True, ["Content-Type", "X-Monkey", "Design"]),
    (False, ["X-Api-Key", "apikey", "Key", "X-AUTH", "Referer", "SessionId", "sig"]),
)
def test_a_name_tells_whether_its_value_may_be_a_credential(name: str, *, shown: bool) -> None:
    """In any case, as a word."""
    assert is_shown(name, "value") is shown


def test_a_name_can_be_secret_by_configuration() -> None:
    """Asking for a CSRF token is not."""
    assert not is_shown("X-Order", "1", {"x-order"})
    assert is_shown("X-CSRF-Token", " Fetch ")
    assert not is_shown("X-CSRF-Token", "abc")
    assert shown_field("X-Order: 1", {"x-order"}) == "X-Order: ***"
    assert shown_field("X-Order: 1") == "X-Order: 1"


def test_a_query_keeps_what_is_no_credential() -> None:
    """Encoded names, semicolons."""
    assert masked_query("a=1&api%5Fkey=s3cr3t;token=x=y&b&c=") == "a=1&api%5Fkey=***;token=***&b&c="
