"""Media types that a route accepts."""

import pytest

from proxy.forwarding.limits.media_type import accepts

RANGES = ("application/xml", "text/*")


@pytest.mark.parametrize(
    ("content_types", "accepted"),
    [
        ([b"application/xml"], True),
        ([b"application/xml;charset=utf-8"], True),
        ([b" application/xml ; charset=utf-8"], True),
        ([b"text/plain"], True),
        ([b"TEXT/edifact; a=b"], True),
        ([b"application/xml-dtd"], False),
        ([b"application/soap+xml"], False),
        ([b"text/"], False),
        ([b"text"], False),
        ([b""], False),
        ([b"text/plain, application/json"], False),
        ([b"text/pl\xe4in"], False),
        ([], False),
        ([b"text/plain", b"application/xml"], True),
        ([b"text/plain", b"application/json"], False),
    ],
)
def test_a_media_type_is_compared_without_case_and_parameters(content_types: list[bytes], *, accepted: bool) -> None:
    """The upstream may read any of several types."""
    assert accepts(RANGES, content_types) is accepted
