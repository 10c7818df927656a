"""Error pages."""

import pytest

from proxy.sandbox.pages import ROUTER_ERRORS, login_page, router_page, tomcat_page


def test_tomcats_page_names_the_status_with_an_en_dash_and_has_no_reason_phrase() -> None:
    """The page is HTML in UTF-8, and message and server line are hidden."""
    page = tomcat_page(403, fields=(("X-CSRF-Token", "Required"),))
    assert (page.status, page.reason) == (403, "")
    assert b"<h1>HTTP Status 403 \xe2\x80\x93 Forbidden</h1></body></html>" in page.body
    assert page.body.startswith(b'<!doctype html><html lang="en"><head><title>HTTP Status 403')
    assert ("X-CSRF-Token", "Required") in page.fields
    assert ("Content-Type", "text/html;charset=utf-8") in page.fields


def test_tomcats_page_for_413_has_tomcats_own_title() -> None:
    """Python's phrases for 413 differ between versions."""
    assert "413 – Payload Too Large".encode() in tomcat_page(413).body  # noqa: RUF001


@pytest.mark.parametrize("error", ROUTER_ERRORS)
def test_gorouters_page_names_the_error_in_its_field(error: str) -> None:
    """Status, text and X-Cf-RouterError belong together."""
    page = router_page(error, host="a.cfapps.example")
    assert page.status == ROUTER_ERRORS[error][0]
    assert ("X-Cf-RouterError", error) in page.fields


def test_gorouters_404_has_the_text_that_sap_documents() -> None:
    """The host stands in quotes."""
    text = "404 Not Found: Requested route ('a.cfapps.example') does not exist.\n"
    assert router_page("unknown_route", host="a.cfapps.example").body.decode() == text


def test_the_logon_page_is_html_with_status_200() -> None:
    """This is what makes it a trap."""
    page = login_page()
    assert (page.status, page.fields) == (200, (("Content-Type", "text/html;charset=utf-8"),))
