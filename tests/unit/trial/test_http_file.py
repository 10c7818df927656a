"""`.http` files as saved requests."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.trial.collection import BodyPath, SavedRequest
from proxy.trial.http_file import export_http, parse_http
from tests.cases import cases

EXAMPLE = """\
# Requests of the order system.
@base = https://t.example/http
@key=a b

GET {{base}}/orders
    ?from=1
    &to=2 HTTP/1.1
Accept: application/json

### Create an order
// a comment
< {%
  request.variables.set("x", "1")
%}
POST {{base}}/orders
Content-Type: application/xml
# X-Off: 1
X-Key: {{key}}

<order>

  <id>1</id>
</order>

> {%
  client.test("x", () => {})
%}
>> answer.xml

### ignored title
# @name form
POST /form
Content-Type: application/x-www-form-urlencoded

a=1
&b=2

###

# @name=from-a-file
PUT https://t.example/http/orders/1

< ./order.xml
###
"""
VARIABLES = {"base": "https://t.example/http", "key": "a b"}


@cases("line_end", "\n", "\r\n")
def test_requests_are_separated_by_three_hashes(line_end: str) -> None:
    """Without scripts, comments, redirections."""
    found = parse_http(EXAMPLE.replace("\n", line_end))
    url = "{{base}}/orders?from=1&to=2"
    assert found == (
        SavedRequest(
            name=f"GET {url}", method="GET", url=url, fields=(("Accept", "application/json"),), variables=VARIABLES
        ),
        SavedRequest(
            name="Create an order",
            method="POST",
            url="{{base}}/orders",
            fields=(("Content-Type", "application/xml"), ("X-Key", "{{key}}")),
            body="<order>\n\n  <id>1</id>\n</order>".replace("\n", line_end),
            variables=VARIABLES,
        ),
        SavedRequest(
            name="form",
            method="POST",
            url="/form",
            fields=(("Content-Type", "application/x-www-form-urlencoded"),),
            body="a=1&b=2",
            variables=VARIABLES,
        ),
        SavedRequest(
            name="from-a-file",
            method="PUT",
            url="https://t.example/http/orders/1",
            body=BodyPath("./order.xml"),
            variables=VARIABLES,
        ),
    )


@cases(
    "text, method, url",
    ("https://t.example/a", "GET", "https://t.example/a"),
    ("GET /a\n\n", "GET", "/a"),
    ("DELETE https://t.example/a b HTTP/2", "DELETE", "https://t.example/a b"),
)
def test_a_request_line_needs_only_a_url(text: str, method: str, url: str) -> None:
    """For GET."""
    assert parse_http(text) == (SavedRequest(name=f"{method} {url}", method=method, url=url),)


@cases("text", "", "\n###\n# only a comment\n### x\n@a=b\n", "< {% never ends")
def test_a_section_may_have_no_request(text: str) -> None:
    """But variables."""
    assert parse_http(text) == ()


@cases(
    "text, wrong",
    ("hello world", "has a line that is not a request: hello world"),
    ("GET /a\nno colon", "has a line without a colon among the fields of /a: no colon"),
    ("### b\nGET /a\n\n### b\nGET /a\nx\n", "among the fields of b: x"),
)
def test_another_line_is_an_error_that_quotes_it(text: str, wrong: str) -> None:
    """It can be found."""
    with pytest.raises(ValueError, match=wrong):
        parse_http(text)


WORDS = st.from_regex(r"[A-Za-z][\w-]{0,8}", fullmatch=True)
BODIES = st.lists(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n<>#"), max_size=9),
    min_size=1,
    max_size=3,
)
REQUESTS = st.lists(
    st.builds(
        SavedRequest,
        name=WORDS,
        method=st.sampled_from(["GET", "POST"]),
        url=WORDS.map("https://t.example/{}?a={{{{b}}}}".format),
        fields=st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple),
        body=st.none() | WORDS.map(BodyPath) | BODIES.map(lambda lines: "\n".join([*lines, "end"])),
        variables=st.just({"b": "c d"}),
    ),
    min_size=1,
    max_size=4,
).map(tuple)


@given(REQUESTS)
def test_what_was_written_is_read_again(requests: tuple[SavedRequest, ...]) -> None:
    """Equal names, too."""
    assert parse_http(export_http(requests)) == requests


@given(st.builds(SavedRequest, name=st.text(), method=st.text(), url=st.text(), body=st.none() | st.text()))
def test_what_cannot_be_written_is_refused(request: SavedRequest) -> None:
    """It would be another request."""
    written = ""
    with suppress(ValueError):
        written = export_http((request,))
    assert not written or parse_http(written) == (request,)


@cases("body", "a\n### b\nc", "a\n", "", "< a", "a\n>> b")
def test_a_body_that_would_mean_something_else_is_refused(body: str) -> None:
    """Empty is not none."""
    with pytest.raises(ValueError, match="cannot be written"):
        export_http((SavedRequest(name="a", method="POST", url="/a", body=body),))


def test_a_field_of_two_lines_is_refused() -> None:
    """The first has no colon."""
    with pytest.raises(ValueError, match="cannot be written"):
        export_http((SavedRequest(name="a", method="POST", url="/a", fields=(("b\nc", "d"),)),))
