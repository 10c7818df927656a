"""What answers look like before they are sent."""

import json

from proxy.sandbox.answers import SandboxAnswer, json_answer, response, text_answer


def test_a_json_answer_has_uaas_content_type_and_its_fields_after_it() -> None:
    """The document stands in the body as UTF-8 JSON."""
    answer = json_answer({"a": 1}, status=201, fields=(("X", "y"),))
    assert answer.fields == (("Content-Type", "application/json;charset=UTF-8"), ("X", "y"))
    assert (answer.status, json.loads(answer.body)) == (201, {"a": 1})


def test_a_text_answer_is_plain_text() -> None:
    """Text goes out as UTF-8."""
    answer = text_answer("ü", status=500)
    assert answer == SandboxAnswer(
        status=500, fields=(("Content-Type", "text/plain; charset=utf-8"),), body=b"\xc3\xbc"
    )


def test_a_response_names_sap_as_its_server() -> None:
    """Nothing shows that aiohttp answers."""
    assert response(SandboxAnswer()).headers["Server"] == "SAP"


def test_a_response_keeps_an_empty_reason_and_fills_in_an_absent_one() -> None:
    """Tomcat's empty phrase is another thing than no phrase given."""
    assert response(SandboxAnswer(status=403, reason="")).reason == ""
    assert response(SandboxAnswer(status=403)).reason == "Forbidden"
