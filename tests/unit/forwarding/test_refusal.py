"""What an answer says about our credentials."""

import gzip
import zlib

from proxy.forwarding.refusal import decoded, outcome_of
from proxy.forwarding.verdict import AttemptOutcome
from proxy.wire.body import HIGH_WATER
from tests.cases import cases
from tests.fakes.heads import response_head

TEXT = b"The MPL ID for the failed message is : AG"


@cases(
    "coding, octets, read",
    (b"", TEXT, (TEXT, True)),
    (b"identity", TEXT, (TEXT, True)),
    (b"gzip", gzip.compress(TEXT, mtime=0), (TEXT, True)),
    (b"GZIP", gzip.compress(TEXT, mtime=0), (TEXT, True)),
    (b"x-gzip", gzip.compress(TEXT, mtime=0), (TEXT, True)),
    (b"deflate", zlib.compress(TEXT), (TEXT, True)),
    (b"gzip", gzip.compress(TEXT, mtime=0)[:-9], (TEXT, False)),
    (b"gzip", gzip.compress(b" " * HIGH_WATER + TEXT, mtime=0), (b" " * HIGH_WATER, False)),
    (b"gzip", TEXT, (b"", False)),
    (b"gzip", b"", (b"", True)),
    (b"br", TEXT, (b"", False)),
    (b"gzip, gzip", TEXT, (b"", False)),
    (b"br", b"", (b"", True)),
)
def test_a_text_is_read_as_far_as_its_coding_is_known(coding: bytes, octets: bytes, read: tuple[bytes, bool]) -> None:
    """The decoded size is bounded."""
    got, whole = decoded(response_head(b"HTTP/1.1 401 x", (b"Content-Encoding", coding)).fields, octets)
    assert whole is read[1]
    assert got == read[0] or (not whole and read[0].startswith(got))


@cases(
    "status, retry, fields, ours, ending",
    (401, False, (), True, AttemptOutcome.TOKEN_REFUSED),
    (403, False, (), True, AttemptOutcome.ANSWERED),
    (403, True, (), True, AttemptOutcome.TOKEN_REFUSED),
    (403, True, ((b"x-csrf-token", b"required"),), True, AttemptOutcome.CSRF_REQUIRED),
    (403, True, ((b"x-csrf-token", b"required"),), False, AttemptOutcome.ANSWERED),
    (401, False, ((b"x-csrf-token", b"required"),), True, AttemptOutcome.TOKEN_REFUSED),
)
def test_a_head_tells_which_credential_is_refused(
    *, status: int, retry: bool, fields: tuple[tuple[bytes, bytes], ...], ours: bool, ending: AttemptOutcome
) -> None:
    """A CSRF token is no access token."""
    head = response_head(b"HTTP/1.1 %d x" % status, *fields)
    assert outcome_of(head, csrf_is_ours=ours, retry_on_403=retry) is ending
