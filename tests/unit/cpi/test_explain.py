"""What a failure of the tenant means."""

from proxy.cpi import explain as causes
from proxy.cpi.explain import Diagnosis, explain
from tests.cases import cases

TOMCAT = (
    '<!doctype html><html lang="en"><head><title>HTTP Status {0} \u2013 {1}</title><style type="text/css">body '
    "{{font-family:Tahoma,Arial,sans-serif;}} h1, h2, h3, b {{color:white;background-color:#525D76;}}</style></head>"
    "<body><h1>HTTP Status {0} \u2013 {1}</h1></body></html>"
)
FORBIDDEN = TOMCAT.format(403, "Forbidden")
FAILED = "An internal server error occured: The MPL ID for the failed message is : AGpyvUXKUZJ-xCKXdYXps-l8FDTq"
WITH_REASON = (
    "An internal server error occured: no such product\n\nThe MPL ID for the failed message is : AG3SkgjD4HAZjB-jMIeh"
)
ROUTER = "404 Not Found: Requested route ('t.it-cpi001-rt.cfapps.eu10.hana.ondemand.com') does not exist.\n"


@cases(
    "status, fields, text, diagnosis",
    (200, (), "", None),
    (302, (), "", None),
    (401, (), TOMCAT.format(401, "Unauthorized"), causes.TOKEN_REJECTED),
    (401, ((b"WWW-Authenticate", b"Bearer"),), "", causes.TOKEN_REJECTED),
    (403, (), FORBIDDEN, causes.ROLE_MISSING),
    (403, ((b"X-CSRF-Token", b"Required"),), FORBIDDEN, causes.CSRF_REQUIRED),
    (403, ((b"x-csrf-token", b"required"),), FORBIDDEN, causes.CSRF_REQUIRED),
    (404, (), TOMCAT.format(404, "Not Found"), causes.NO_FLOW),
    (404, ((b"X-Cf-RouterError", b"unknown_route"),), ROUTER, causes.WRONG_HOST),
    (404, (), ROUTER, causes.WRONG_HOST),
    (405, (), "", causes.METHOD_REFUSED),
    (413, (), "", causes.BODY_TOO_LARGE),
    (415, (), "", causes.MEDIA_TYPE_REFUSED),
    (429, (), "", causes.TOO_MANY),
    (500, (), FAILED, causes.FLOW_FAILED),
    (500, (), FAILED + "\nFor more details please check tail log.", causes.FLOW_FAILED),
    (500, (), WITH_REASON, causes.FLOW_FAILED),
    (400, (), FAILED, causes.FLOW_FAILED),
    (401, (), FAILED, causes.FLOW_FAILED),
    (500, (), "<soap:Fault/>", causes.FLOW_FAILED),
    (502, ((b"X-Cf-RouterError", b"endpoint_failure (EOF)"),), "502 Bad Gateway", causes.RUNTIME_UNAVAILABLE),
    (503, ((b"X-Cf-RouterError", b"no_endpoints"),), "503 Service Unavailable", causes.RUNTIME_UNAVAILABLE),
    (503, (), "", causes.RUNTIME_UNAVAILABLE),
    (504, (), "", causes.RUNTIME_SILENT),
    (418, (), "", None),
)
def test_a_failure_is_explained(
    status: int, fields: tuple[tuple[bytes, bytes], ...], text: str, diagnosis: Diagnosis | None
) -> None:
    """By a field or text of SAP's runtime, else by the status."""
    assert explain(status, fields, text.encode()) == diagnosis


def test_a_diagnosis_is_a_word_and_a_sentence() -> None:
    """Programs read the word, people the sentence."""
    assert str(causes.METHOD_REFUSED).startswith("method_refused: The flow's sender adapter")
