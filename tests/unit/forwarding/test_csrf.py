"""CSRF units, and who fetches them."""

import asyncio

import pytest

from proxy.forwarding.csrf import CsrfSession, CsrfUnit, Ringing, parse, required
from proxy.wire.run import Run, rung

AUTH = b"Bearer t"


def unit(token: bytes = b"one", authorization: bytes = AUTH, **cookies: bytes) -> CsrfUnit:
    """A unit with these cookies."""
    pairs = tuple((name.encode(), value) for name, value in cookies.items())
    return CsrfUnit(token=token, cookies=pairs, authorization=authorization)


@pytest.mark.parametrize("value", [b"Required", b"required", b"REQUIRED"])
def test_a_token_is_required_in_any_case(value: bytes) -> None:
    """Real tenants differ."""
    assert required(value)


@pytest.mark.parametrize("value", [b"", b"Fetch", b"662592DAB9491668BB9844B7C3284BE7", b"required "])
def test_anything_else_requires_none(value: bytes) -> None:
    """A 403 without it is about a role."""
    assert not required(value)


@pytest.mark.parametrize(
    ("set_cookie", "parsed"),
    [
        (b"S=a=%2B+!; Path=/http; Secure", (b"S", b"a=%2B+!", True)),
        (b" S = a ", (b"S", b"a", True)),
        (b"S=", (b"S", b"", True)),
        (b"S", (b"S", b"", True)),
        (b"=a", (b"", b"a", False)),
        (b"S=a; Max-Age=0", (b"S", b"a", False)),
        (b"S=a; max-age = 00", (b"S", b"a", False)),
        (b"S=a;MAX-AGE=-1", (b"S", b"a", False)),
        (b"S=a; Max-Age=10", (b"S", b"a", True)),
        (b"S=Max-Age=0", (b"S", b"Max-Age=0", True)),
    ],
)
def test_a_set_cookie_has_a_name_a_value_and_maybe_an_end(set_cookie: bytes, parsed: tuple[bytes, bytes, bool]) -> None:
    """RFC 6265 §5.2: without a name it is none, and a Max-Age of zero or less deletes."""
    assert parse(set_cookie) == parsed


def test_a_unit_follows_its_session() -> None:
    """New values take the place of old ones, in their order; deleted cookies go, also unknown ones."""
    updated = unit(A=b"1", B=b"2", C=b"3").updated([b"B=x; Path=/", b"D=4", b"A=; Max-Age=0", b"E=; Max-Age=0"])

    assert updated == unit(B=b"x", C=b"3", D=b"4")
    assert updated.cookie_field() == b"B=x; C=3; D=4"


def test_a_unit_shows_neither_token_nor_cookies() -> None:
    """Both open a session."""
    assert repr(unit(b"canary", S=b"canary")) == "<CsrfUnit with 1 cookies>"


class Upstream:
    """Fetches one by one, each when told to."""

    def __init__(self) -> None:
        self.waiting: list[Ringing] = []
        self.results: list[CsrfUnit | Exception | None] = []

    async def fetch(self, waiting: Ringing) -> CsrfUnit | None:
        """Wait for the bell until there is a result."""
        assert not waiting.left
        self.waiting.append(waiting)
        while not self.results:
            await rung()
        result = self.results.pop()
        if isinstance(result, Exception):
            raise result
        return result

    def give(self, result: CsrfUnit | Exception | None) -> None:
        """End the fetch under way."""
        self.results.append(result)
        self.waiting[-1].ring()


class Exchange:
    """One that wants a unit."""

    def __init__(self, session: CsrfSession, upstream: Upstream, failed: CsrfUnit | None = None) -> None:
        self.result: CsrfUnit | str | None = "waiting"
        self.error: BaseException | None = None
        Run(self._renew(session, upstream, failed), self._ended).start()

    async def _renew(self, session: CsrfSession, upstream: Upstream, failed: CsrfUnit | None) -> None:
        self.result = await session.renew(failed, AUTH, upstream.fetch)

    def _ended(self, error: BaseException | None) -> None:
        self.error = error


async def test_any_number_of_exchanges_cost_one_fetch() -> None:
    """All get its unit, and the session keeps it for this access token."""
    session, upstream = CsrfSession(), Upstream()
    exchanges = [Exchange(session, upstream) for _ in range(5)]
    assert (len(upstream.waiting), session.unit(AUTH)) == (1, None)

    upstream.give(unit())
    await asyncio.sleep(0)

    assert [each.result for each in exchanges] == [unit()] * 5
    assert (session.unit(AUTH), session.unit(b"Bearer other")) == (unit(), None)


async def test_who_comes_late_with_the_old_unit_gets_the_new_one() -> None:
    """Twenty parallel posts with one failed unit cost one fetch."""
    session, upstream = CsrfSession(), Upstream()
    Exchange(session, upstream)
    upstream.give(unit(b"two"))

    late = Exchange(session, upstream, failed=unit(b"one"))
    first = Exchange(session, upstream, failed=None)

    assert (late.result, first.result, len(upstream.waiting)) == (unit(b"two"), unit(b"two"), 1)


async def test_a_failed_unit_is_fetched_anew_and_not_used_meanwhile() -> None:
    """Its session is over."""
    session, upstream = CsrfSession(), Upstream()
    Exchange(session, upstream)
    upstream.give(unit(b"one"))

    again = Exchange(session, upstream, failed=unit(b"one"))
    assert (session.unit(AUTH), len(upstream.waiting)) == (None, 2)
    upstream.give(unit(b"two"))
    await asyncio.sleep(0)

    assert again.result == unit(b"two")


async def test_an_upstream_that_gives_none_is_asked_again_the_next_time() -> None:
    """Nothing is remembered of it."""
    session, upstream = CsrfSession(), Upstream()
    first = Exchange(session, upstream)
    upstream.give(None)
    await asyncio.sleep(0)
    assert first.result is None

    second = Exchange(session, upstream)
    upstream.give(unit())
    await asyncio.sleep(0)

    assert second.result == unit()


async def test_a_fault_of_the_fetch_reaches_all_who_wait() -> None:
    """None of them waits for ever, and the next one may try."""
    session, upstream = CsrfSession(), Upstream()
    exchanges = [Exchange(session, upstream) for _ in range(2)]
    error = LookupError()
    upstream.give(error)
    await asyncio.sleep(0)
    assert [each.error for each in exchanges] == [error] * 2

    last = Exchange(session, upstream)
    upstream.give(unit())
    await asyncio.sleep(0)
    assert last.result == unit()


async def test_a_fetch_may_be_over_at_once() -> None:
    """Then nobody waits."""
    session, upstream = CsrfSession(), Upstream()
    upstream.results.append(unit())

    exchange = Exchange(session, upstream)
    await asyncio.sleep(0)

    assert exchange.result == unit()


async def test_answers_within_the_session_update_its_unit_only() -> None:
    """Those to an older unit, and those that set nothing, change nothing."""
    session, upstream = CsrfSession(), Upstream()
    Exchange(session, upstream)
    upstream.give(unit(b"two", S=b"1"))
    present = session.unit(AUTH)
    assert present is not None

    session.update(unit(b"one", S=b"0"), [b"S=old"])
    session.update(present, [])
    assert session.unit(AUTH) is present
    session.update(present, [b"S=2"])

    assert session.unit(AUTH) == unit(b"two", S=b"2")
