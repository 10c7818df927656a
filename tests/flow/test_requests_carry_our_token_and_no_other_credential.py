"""What the upstream gets of a sender's credentials is nothing; it gets our token."""

from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Running


async def test_the_token_of_the_grant_goes_on(plain: Running, upstream: Upstream) -> None:
    """As the one Authorization field."""
    answer = await plain.ask(request(b"POST /orders", body=b"<order/>"))
    assert answer.status == 200
    assert upstream.requests[0].field(b"Authorization") == [b"Bearer token-1"]
    assert bytes(upstream.requests[0].body) == b"<order/>"


async def test_the_upstreams_challenge_stays_with_us(plain: Running, upstream: Upstream) -> None:
    """The sender has no token."""
    upstream.follow(answer(401, b'WWW-Authenticate: Bearer realm="tenant"', b"X-Kept: yes"))
    relayed = await plain.ask(request(b"GET /orders"))
    assert (relayed.status, relayed.field(b"WWW-Authenticate"), relayed.field(b"X-Kept")) == (401, [], [b"yes"])
