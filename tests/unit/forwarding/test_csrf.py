"""CSRF units, and who fetches them."""

import asyncio

import pytest

from proxy.forwarding.csrf import CsrfSession, CsrfUnit, Ringing, parse, required, shared_unit, unit_within
from proxy.wire.run import Run, rung

AUTH = b"Bearer t"


def unit(token: bytes = b"one", authorization: bytes = AUTH, **cookies: bytes) -> CsrfUnit:
    """A unit with these cookies."""
    pairs = tuple((name.encode(), value) for name, value in cookies.items())
    return CsrfUnit(token=token, cookies=pairs, authorization=authorization, names=frozenset(dict(pairs)))


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
    """New values take the place of old ones, in their order; deleted cookies go; others are not its own."""
    updated = unit(A=b"1", B=b"2", C=b"3").updated([b"B=x; Path=/", b"D=4", b"A=; Max-Age=0", b"E=; Max-Age=0"])

    assert updated.cookie_field() == b"B=x; C=3"
    assert updated.updated([b"A=again"]).cookie_field() == b"B=x; C=3; A=again"


def test_cookies_that_the_fetch_has_not_set_are_the_senders() -> None:
    """What the fetch has set stays with us, deleted or not."""
    given = unit(A=b"1", B=b"2").for_sender([b"A=x; Path=/", b"D=4; Secure", b"B=; Max-Age=0", b"a=5", b"D=6"])

    assert given == [b"D=4; Secure", b"a=5", b"D=6"]


def test_a_shared_unit_has_what_its_fetch_has_set() -> None:
    """A cookie that the fetch deletes is none of it."""
    made = shared_unit(b"T", [b"A=a%2B!=; Path=/http; Secure", b"B=b", b"C=; Max-Age=0"], AUTH)

    assert made == unit(b"T", A=b"a%2B!=", B=b"b")
    assert made.for_sender([b"C=1", b"B=2"]) == [b"C=1"]


def test_a_senders_own_session_keeps_its_cookies() -> None:
    """But for those that the fetch within it has changed, which the sender is told of with the answer, once each."""
    fetched = [b"B=new; Path=/http", b"C=; Max-Age=0", b"D=4"]
    made = unit_within(b"A=a=1; B=old; C=3", b"T", fetched, AUTH)

    assert (made.token, made.authorization, made.names) == (b"T", AUTH, frozenset())
    assert made.cookie_field() == b"A=a=1; B=new; D=4"
    assert made.for_sender([]) == fetched
    assert made.for_sender([b"B=newest", b"E=5"]) == [b"C=; Max-Age=0", b"D=4", b"B=newest", b"E=5"]


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

    def __init__(
        self, session: CsrfSession, upstream: Upstream, failed: CsrfUnit | None = None, path: bytes = b"/in"
    ) -> None:
        self.result: CsrfUnit | str | None = "waiting"
        self.error: BaseException | None = None
        Run(self._renew(session, upstream, failed, path), self._ended).start()

    async def _renew(self, session: CsrfSession, upstream: Upstream, failed: CsrfUnit | None, path: bytes) -> None:
        self.result = await session.renew(failed, AUTH, path, upstream.fetch)

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


async def test_a_fetch_that_hangs_holds_up_no_other_path() -> None:
    """The unit of whichever fetch is first serves all; what comes late is dropped."""
    session, stuck, upstream = CsrfSession(), Upstream(), Upstream()
    waiting = Exchange(session, stuck, path=b"/stuck")
    other = Exchange(session, upstream, path=b"/other")
    upstream.give(unit(b"one"))
    await asyncio.sleep(0)
    assert (waiting.result, other.result) == (unit(b"one"), unit(b"one"))

    stuck.give(unit(b"late"))
    assert session.unit(AUTH) == unit(b"one")


async def test_a_late_fault_is_nobodys_any_more() -> None:
    """All that waited have a unit."""
    session, stuck, upstream = CsrfSession(), Upstream(), Upstream()
    waiting = Exchange(session, stuck, path=b"/stuck")
    Exchange(session, upstream)
    upstream.give(unit())
    stuck.give(LookupError())
    await asyncio.sleep(0)
    assert (waiting.result, waiting.error, session.unit(AUTH)) == (unit(), None, unit())


@pytest.mark.parametrize("second", [unit(), None])
async def test_after_somebody_elses_fetch_in_vain_there_is_one_more(second: CsrfUnit | None) -> None:
    """Theirs may have met a server that hangs; those that wait share it, and then give up."""
    session, upstream = CsrfSession(), Upstream()
    first = Exchange(session, upstream)
    others = [Exchange(session, upstream) for _ in range(5)]
    upstream.give(None)
    await asyncio.sleep(0)
    assert (first.result, [each.result for each in others], len(upstream.waiting)) == (None, ["waiting"] * 5, 2)

    upstream.give(second)
    await asyncio.sleep(0)
    assert ([each.result for each in others], len(upstream.waiting)) == ([second] * 5, 2)


async def test_a_unit_for_another_access_token_is_not_given() -> None:
    """A fetch that began with the token before serves those that began with it."""
    session, before, upstream = CsrfSession(), Upstream(), Upstream()
    results: list[CsrfUnit | None] = []

    async def renew() -> None:
        results.append(await session.renew(None, b"Bearer old", b"/in", before.fetch))

    Run(renew(), lambda _: None).start()
    exchange = Exchange(session, upstream)
    upstream.give(unit())
    await asyncio.sleep(0)
    assert (exchange.result, results) == (unit(), [])

    before.give(unit(b"two", b"Bearer old"))
    await asyncio.sleep(0)
    assert results == [unit(b"two", b"Bearer old")]
