"""What an answer of the tenant means."""

import pytest

from proxy.cpi.explain import (
    BODY_TOO_LARGE,
    CSRF_REQUIRED,
    FLOW_FAILED,
    METHOD_REFUSED,
    NO_FLOW,
    ROLE_MISSING,
    RUNTIME_SILENT,
    RUNTIME_UNAVAILABLE,
    TOKEN_REJECTED,
    WRONG_HOST,
    Diagnosis,
    explain,
)

TOMCAT = (
    '<!doctype html><html lang="en"><head><title>HTTP Status {0} \u2013 {1}</title><style type="text/css">body '
    "{{font-family:Tahoma,Arial,sans-serif;}} h1, h2, h3, b {{color:white;background-color:#525D76;}}</style></head>"
    "<body><h1>HTTP Status {0} \u2013 {1}</h1></body></html>"
)
FAILED = "An internal server error occured: The MPL ID for the failed message is : AGpyvUXKUZJ-xCKXdYXps-l8FDTq"
WITH_REASON = (
    "An internal server error occured: no such product\n\nThe MPL ID for the failed message is : AG3SkgjD4HAZjB-jMIeh"
)
ROUTER = "404 Not Found: Requested route ('t.it-cpi001-rt.cfapps.eu10.hana.ondemand.com') does not exist.\n"


@pytest.mark.parametrize(
    ("status", "fields", "text", "diagnosis"),
    [
        (200, (), "", None),
        (302, (), "", None),
        (401, (), TOMCAT.format(401, "Unauthorized"), TOKEN_REJECTED),
        (401, ((b"WWW-Authenticate", b"Bearer"),), "", TOKEN_REJECTED),
        (403, (), TOMCAT.format(403, "Forbidden"), ROLE_MISSING),
        (403, ((b"X-CSRF-Token", b"Required"),), TOMCAT.format(403, "Forbidden"), CSRF_REQUIRED),
        (403, ((b"x-csrf-token", b"required"),), TOMCAT.format(403, "Forbidden"), CSRF_REQUIRED),
        (404, (), TOMCAT.format(404, "Not Found"), NO_FLOW),
        (404, ((b"X-Cf-RouterError", b"unknown_route"),), ROUTER, WRONG_HOST),
        (404, (), ROUTER, WRONG_HOST),
        (405, (), "", METHOD_REFUSED),
        (413, (), "", BODY_TOO_LARGE),
        (500, (), FAILED, FLOW_FAILED),
        (500, (), FAILED + "\nFor more details please check tail log.", FLOW_FAILED),
        (500, (), WITH_REASON, FLOW_FAILED),
        (400, (), FAILED, FLOW_FAILED),
        (401, (), FAILED, FLOW_FAILED),
        (500, (), "<soap:Fault/>", FLOW_FAILED),
        (502, ((b"X-Cf-RouterError", b"endpoint_failure"),), "502 Bad Gateway", RUNTIME_UNAVAILABLE),
        (503, ((b"X-Cf-RouterError", b"no_endpoints"),), "503 Service Unavailable", RUNTIME_UNAVAILABLE),
        (503, (), "", RUNTIME_UNAVAILABLE),
        (504, (), "", RUNTIME_SILENT),
        (418, (), "", None),
    ],
)
def test_a_failure_is_explained(
    status: int, fields: tuple[tuple[bytes, bytes], ...], text: str, diagnosis: Diagnosis | None
) -> None:
    """Each text that SAP's runtime is known to send, and what its status alone can mean."""
    assert explain(status, fields, text.encode()) == diagnosis


def test_a_diagnosis_is_a_word_and_a_sentence() -> None:
    """The word for programs, the sentence for people."""
    assert str(METHOD_REFUSED).startswith("method_refused: The flow's sender adapter")
