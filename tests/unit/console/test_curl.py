"""A request as a curl command, which tests/flow runs."""

from proxy.console.curl import LONGEST_TEXT, CurlRequest, curl_command, quoted
from tests.cases import cases

BASE = "http://127.0.0.1:8080"
QUIET = "-H Accept: \\\n  -H User-Agent:"


def request(method: str = "POST", *fields: tuple[str, str], body: bytes = b"", credential: str = "") -> CurlRequest:
    """For `/orders`."""
    return CurlRequest(method, BASE, "", "/orders", fields, body, credential)


def test_a_message_with_text_is_one_command_in_several_lines() -> None:
    """Without fields that curl would add."""
    assert curl_command(request("POST", ("Content-Type", "text/xml"), body=b"<a/>")) == (
        "curl -sS -i --globoff --path-as-is \\\n"
        "  -X POST \\\n"
        "  http://127.0.0.1:8080/orders \\\n"
        "  -H 'Content-Type: text/xml' \\\n"
        f"  {QUIET} \\\n"
        "  --data-raw '<a/>'"
    )


def test_an_empty_post_has_its_length() -> None:
    """A GET has none; HEAD is an option."""
    assert curl_command(request("POST")).endswith("-H 'Content-Length: 0'")
    assert curl_command(request("GET")).endswith(QUIET)
    assert "--head" in curl_command(request("HEAD"))


@cases("body", b"\0", b"a\r\n", b"\xff", b"x" * (LONGEST_TEXT + 1))
def test_what_a_terminal_would_change_is_base64(body: bytes) -> None:
    """So is what is too long."""
    command = curl_command(request(body=body))
    assert command.startswith("printf %s '")
    assert command.endswith("--data-binary @-")


def test_fields_of_one_message_only_are_left_out() -> None:
    """So are credentials that the route does not want."""
    fields = [("Content-Length", "1"), ("X-Request-ID", "1"), ("Cookie", "***"), ("X-Key", "***"), ("X-Empty", "")]
    command = curl_command(request("GET", *fields, credential="x-key"))
    assert [name for name, _ in fields if name in command] == ["X-Key", "X-Empty"]
    assert "-H 'X-Key: '\"${SENDER_X_KEY:?}\"" in command
    assert "-H 'X-Empty;'" in command


def test_a_unix_socket_is_an_option() -> None:
    """Under localhost."""
    assert "--unix-socket /run/a" in curl_command(request()._replace(socket="/run/a"))


def test_bytes_outside_ascii_are_written_as_octal_numbers() -> None:
    """Outside ISO 8859-1 stands a question mark."""
    assert quoted("it's") == "'it'\"'\"'s'"
    assert quoted("caf\u00e9 100% \\ ' \u20ac") == "\"$(printf 'caf\\351 100%% \\\\ \\047 ?')\""
