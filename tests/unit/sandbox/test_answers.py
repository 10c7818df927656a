"""Answers before they are sent."""

import pytest

from proxy.sandbox.admission import Admission
from proxy.sandbox.answers import (
    ROUTER_ERRORS,
    SandboxAnswer,
    failed,
    fetched,
    json_answer,
    login_page,
    refusal,
    response,
    router_page,
    success_fields,
    text_answer,
    tomcat_page,
)
from proxy.sandbox.csrf import HttpSession
from proxy.sandbox.flows import FlowFailure
from tests.cases import cases

STATUSES = {
    Admission.TOKEN_MISSING: 401,
    Admission.ROLE_MISSING: 403,
    Admission.CSRF_REQUIRED: 403,
    Admission.ADDRESS_UNKNOWN: 404,
    Admission.METHOD_REFUSED: 405,
    Admission.TOO_LARGE: 413,
}
COOKIE = ("Set-Cookie", "a=b")


def test_json_and_text_have_their_content_types() -> None:
    """In UTF-8."""
    fields = (("Content-Type", "application/json;charset=UTF-8"), ("X", "y"))
    assert json_answer({"a": 1}, status=201, fields=(("X", "y"),)) == SandboxAnswer(
        status=201, fields=fields, body=b'{"a": 1}'
    )
    assert text_answer("ü", status=500) == SandboxAnswer(
        status=500, fields=(("Content-Type", "text/plain; charset=utf-8"),), body=b"\xc3\xbc"
    )


def test_a_response_names_sap_as_its_server() -> None:
    """A missing reason is filled in."""
    assert response(SandboxAnswer()).headers["Server"] == "SAP"
    assert response(SandboxAnswer(status=403, reason="")).reason == ""
    assert response(SandboxAnswer(status=403)).reason == "Forbidden"


def test_tomcats_page_shows_only_the_status() -> None:
    """With an en dash in UTF-8."""
    page = tomcat_page(403, fields=(("X", "y"),))
    assert page.status == 403
    assert page.reason == ""
    assert page.body.startswith(b'<!doctype html><html lang="en"><head><title>HTTP Status 403')
    assert page.body.endswith(b"<h1>HTTP Status 403 \xe2\x80\x93 Forbidden</h1></body></html>")
    assert {("X", "y"), ("Content-Type", "text/html;charset=utf-8")} < set(page.fields)


def test_tomcats_page_for_413_has_tomcats_own_title() -> None:
    """Python's differ."""
    assert "413 – Payload Too Large".encode() in tomcat_page(413).body  # noqa: RUF001


@cases("error", *ROUTER_ERRORS)
def test_gorouters_page_names_the_error_in_its_field(error: str) -> None:
    """By its status."""
    page = router_page(error, host="a.cfapps.example")
    assert page.status == ROUTER_ERRORS[error][0]
    assert ("X-Cf-RouterError", error) in page.fields


def test_gorouters_404_has_the_text_that_sap_documents() -> None:
    """The host is in quotes."""
    text = "404 Not Found: Requested route ('a.cfapps.example') does not exist.\n"
    assert router_page("unknown_route", host="a.cfapps.example").body.decode() == text


def test_the_logon_page_is_html_with_status_200() -> None:
    """It can pass for a token."""
    page = login_page()
    assert page.status == 200
    assert page.fields == (("Content-Type", "text/html;charset=utf-8"),)


@cases("admission", *Admission)
def test_each_refusal_is_a_tomcat_page(admission: Admission) -> None:
    """RUN and FETCH are none."""
    if admission not in STATUSES:
        with pytest.raises(ValueError, match="is not a refusal"):
            refusal(admission)
    else:
        answer = refusal(admission, cookies=(COOKIE,))
        assert answer.status == STATUSES[admission]
        assert answer.reason == ""
        # This distinguishes it from a missing role.
        assert ({("X-CSRF-Token", "Required"), COOKIE} <= set(answer.fields)) is (admission is Admission.CSRF_REQUIRED)


def test_a_fetch_is_answered_with_nonce_and_cookies() -> None:
    """And no body."""
    answer = fetched(HttpSession(nonce="N", cookies=()), cookies=(COOKIE,))
    assert answer.status == 200
    assert answer.body == b""
    assert {("X-CSRF-Token", "N"), COOKIE, ("Cache-Control", "private")} <= set(answer.fields)


@cases(
    "reason, text",
    (None, "The MPL ID for the failed message is : AGx\nFor more details please check tail log."),
    ("no stock", "no stock\n\nThe MPL ID for the failed message is : AGx"),
)
def test_a_failed_flow_has_saps_text(reason: str | None, text: str) -> None:
    """With the MPL id."""
    answer = failed(FlowFailure(reason=reason), mpl_id="AGx")
    assert answer.status == 500
    assert answer.body.decode() == f"An internal server error occured: {text}"
    assert "AGx" not in str(answer.fields)


def test_success_has_three_ids_or_one() -> None:
    """One is x-correlationid."""
    names = [name for name, _ in success_fields("AGx", correlation_only=False)]
    assert names[:3] == ["SAP_MessageProcessingLogID", "sap_mplcorrelationid", "x-correlationid"]
    assert [name for name, _ in success_fields("AGx", correlation_only=True)] == ["x-correlationid", names[3]]
