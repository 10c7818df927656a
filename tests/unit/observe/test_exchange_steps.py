"""The logged head has no credential."""

from proxy.observe.exchange_steps import masked


def test_the_target_has_no_query_and_fields_are_masked() -> None:
    """Others are shown byte for byte; a name that is said to be secret is masked, too."""
    head = b"POST /http/in?key=cAnArySecret HTTP/1.1\r\nX-Other: \xff\r\nCookie:a=b\r\nX-Tenant: cAnArySecret\r\n\r\n"
    assert masked(head, {"x-tenant"}) == ("POST", "/http/in", ["X-Other: \xff", "Cookie: ***", "X-Tenant: ***"])
