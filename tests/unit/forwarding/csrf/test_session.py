"""CSRF units that are shared."""

import asyncio

from proxy.forwarding.csrf.session import RouteCsrf
from proxy.forwarding.csrf.unit import CsrfUnit
from proxy.forwarding.request import Recipient
from proxy.wire.coroutine_runner import CoroutineRunner, woken
from tests.cases import cases
from tests.unit.forwarding.csrf.units import AUTH, unit


class Upstream:
    """Ends each fetch when told to."""

    def __init__(self) -> None:
        self.waiting: list[Recipient] = []
        self.results: list[CsrfUnit | Exception | None] = []

    async def fetch(self, recipient: Recipient) -> CsrfUnit | None:
        """Waits until there is a result."""
        assert not recipient.left
        self.waiting.append(recipient)
        while not self.results:
            await woken()
        result = self.results.pop()
        if isinstance(result, Exception):
            raise result
        return result

    async def give(self, result: CsrfUnit | Exception | None) -> None:
        """Ends the fetch."""
        self.results.append(result)
        self.waiting[-1].wake()
        await asyncio.sleep(0)


class Exchange:
    """An exchange that needs a unit."""

    def __init__(
        self, session: RouteCsrf, upstream: Upstream, failed: CsrfUnit | None = None, path: bytes = b"/in"
    ) -> None:
        self.result: CsrfUnit | str | None = "waiting"
        self.error: BaseException | None = None
        CoroutineRunner(self._renew(session, upstream, failed, path), self._ended).start()

    async def _renew(self, session: RouteCsrf, upstream: Upstream, failed: CsrfUnit | None, path: bytes) -> None:
        self.result = await session.renew(failed, AUTH, path, upstream.fetch)

    def _ended(self, error: BaseException | None) -> None:
        self.error = error


async def test_who_comes_late_with_the_old_unit_gets_the_new_one() -> None:
    """Both need one fetch."""
    session, upstream = RouteCsrf(), Upstream()
    Exchange(session, upstream)
    await upstream.give(unit(b"two"))

    late = Exchange(session, upstream, failed=unit(b"one"))
    first = Exchange(session, upstream, failed=None)

    assert (late.result, first.result, len(upstream.waiting)) == (unit(b"two"), unit(b"two"), 1)


async def test_a_failed_unit_is_fetched_anew_and_not_used_meanwhile() -> None:
    """Its session has ended."""
    session, upstream = RouteCsrf(), Upstream()
    Exchange(session, upstream)
    await upstream.give(unit(b"one"))

    again = Exchange(session, upstream, failed=unit(b"one"))
    assert session.unit(AUTH) is None
    assert len(upstream.waiting) == 2
    await upstream.give(unit(b"two"))

    assert again.result == unit(b"two")


async def test_an_upstream_that_gives_none_is_asked_again_the_next_time() -> None:
    """The failure is not cached."""
    session, upstream = RouteCsrf(), Upstream()
    first = Exchange(session, upstream)
    await upstream.give(None)
    assert first.result is None

    second = Exchange(session, upstream)
    await upstream.give(unit())

    assert second.result == unit()


async def test_a_fault_of_the_fetch_reaches_all_who_wait() -> None:
    """The next exchange fetches again."""
    session, upstream = RouteCsrf(), Upstream()
    exchanges = [Exchange(session, upstream) for _ in range(2)]
    error = LookupError()
    await upstream.give(error)
    assert [each.error for each in exchanges] == [error] * 2

    last = Exchange(session, upstream)
    await upstream.give(unit())
    assert last.result == unit()


async def test_a_fetch_may_be_over_at_once() -> None:
    """There is no wait."""
    session, upstream = RouteCsrf(), Upstream()
    upstream.results.append(unit())

    exchange = Exchange(session, upstream)
    await asyncio.sleep(0)

    assert exchange.result == unit()


async def test_answers_within_the_session_update_its_unit_only() -> None:
    """Answers to an older unit change nothing."""
    session, upstream = RouteCsrf(), Upstream()
    Exchange(session, upstream)
    await upstream.give(unit(b"two", S=b"1"))
    present = session.unit(AUTH)
    assert present is not None

    session.update(unit(b"one", S=b"0"), [b"S=old"])
    session.update(present, [])
    assert session.unit(AUTH) is present
    session.update(present, [b"S=2"])

    assert session.unit(AUTH) == unit(b"two", S=b"2")


async def test_a_fetch_that_hangs_holds_up_no_other_path() -> None:
    """A later unit is dropped."""
    session, stuck, upstream = RouteCsrf(), Upstream(), Upstream()
    waiting = Exchange(session, stuck, path=b"/stuck")
    other = Exchange(session, upstream, path=b"/other")
    await upstream.give(unit(b"one"))
    assert (waiting.result, other.result) == (unit(b"one"), unit(b"one"))

    await stuck.give(unit(b"late"))
    assert session.unit(AUTH) == unit(b"one")


async def test_a_late_fault_is_nobodys_any_more() -> None:
    """All exchanges have a unit."""
    session, stuck, upstream = RouteCsrf(), Upstream(), Upstream()
    waiting = Exchange(session, stuck, path=b"/stuck")
    Exchange(session, upstream)
    await upstream.give(unit())
    await stuck.give(LookupError())
    assert waiting.result == unit()
    assert waiting.error is None
    assert session.unit(AUTH) == unit()


@cases("second", unit(), None)
async def test_after_somebody_elses_fetch_in_vain_there_is_one_more(second: CsrfUnit | None) -> None:
    """The exchanges share the second fetch."""
    session, upstream = RouteCsrf(), Upstream()
    first = Exchange(session, upstream)
    others = [Exchange(session, upstream) for _ in range(5)]
    await upstream.give(None)
    assert first.result is None
    assert [each.result for each in others] == ["waiting"] * 5
    assert len(upstream.waiting) == 2

    await upstream.give(second)
    assert ([each.result for each in others], len(upstream.waiting)) == ([second] * 5, 2)


async def test_a_unit_for_another_access_token_is_not_given() -> None:
    """A fetch serves its own token."""
    session, before, upstream = RouteCsrf(), Upstream(), Upstream()
    results: list[CsrfUnit | None] = []

    async def renew() -> None:
        results.append(await session.renew(None, b"Bearer old", b"/in", before.fetch))

    CoroutineRunner(renew(), lambda _: None).start()
    exchange = Exchange(session, upstream)
    await upstream.give(unit())
    assert (exchange.result, results) == (unit(), [])

    await before.give(unit(b"two", b"Bearer old"))
    assert results == [unit(b"two", b"Bearer old")]


async def test_a_unit_that_failed_is_not_given_again_by_a_fetch_that_was_overtaken() -> None:
    """The exchange fetches a unit of its own."""
    session, stuck, upstream = RouteCsrf(), Upstream(), Upstream()
    Exchange(session, stuck, path=b"/stuck")
    Exchange(session, upstream, path=b"/other")
    await upstream.give(unit(b"one"))

    again = Exchange(session, upstream, failed=unit(b"one"), path=b"/stuck")
    await upstream.give(unit(b"two"))
    assert again.result == unit(b"two")

    await stuck.give(unit(b"late"))
    assert session.unit(AUTH) == unit(b"two")
