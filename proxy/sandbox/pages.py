"""Error pages as senders of SAP Cloud Integration see them: Tomcat's behind the runtime node, gorouter's in front."""

from http import HTTPStatus

from proxy.sandbox.answers import SandboxAnswer, text_answer

_TOMCAT_STYLE = (
    "body {font-family:Tahoma,Arial,sans-serif;} h1, h2, h3, b {color:white;background-color:#525D76;} "
    "h1 {font-size:22px;} h2 {font-size:16px;} h3 {font-size:14px;} p {font-size:12px;} a {color:black;} "
    ".line {height:1px;background-color:#525D76;border:none;}"
)

_TOMCAT_TITLES = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Payload Too Large"}
"Where Tomcat's word differs from that of the standard library."

ROUTER_ERRORS = {
    "unknown_route": (404, "Requested route ('{host}') does not exist."),
    "endpoint_failure": (502, "Registered endpoint failed to handle the request."),
    "no_endpoints": (503, "Requested route ('{host}') has no available endpoints."),
}
"The value of X-Cf-RouterError, its status and gorouter's sentence."


def tomcat_page(status: int, *, fields: tuple[tuple[str, str], ...] = ()) -> SandboxAnswer:
    """Tomcat's page with message and server line hidden, and without a reason phrase, as on a real tenant."""
    known = HTTPStatus(status)
    title = f"HTTP Status {status} – {_TOMCAT_TITLES.get(known, known.phrase)}"  # noqa: RUF001 (Tomcat writes an en dash)
    page = (
        f'<!doctype html><html lang="en"><head><title>{title}</title><style type="text/css">{_TOMCAT_STYLE}</style>'
        f"</head><body><h1>{title}</h1></body></html>"
    )
    html = ("Content-Type", "text/html;charset=utf-8"), ("Content-Language", "en")
    return SandboxAnswer(status=status, reason="", fields=(*html, *fields), body=page.encode())


def router_page(error: str, *, host: str) -> SandboxAnswer:
    """The answer of Cloud Foundry's router when it cannot reach an application; KeyError for an unknown error."""
    status, sentence = ROUTER_ERRORS[error]
    text = f"{status} {HTTPStatus(status).phrase}: {sentence.format(host=host)}\n"
    return text_answer(text, status=status, fields=(("X-Cf-RouterError", error), ("X-Content-Type-Options", "nosniff")))


def login_page() -> SandboxAnswer:
    """A page for people where a program expected a token: maintenance, or a redirect that was followed."""
    page = b"<html><head><title>SAP BTP</title></head><body><h1>Log On</h1></body></html>"
    return SandboxAnswer(fields=(("Content-Type", "text/html;charset=utf-8"),), body=page)
