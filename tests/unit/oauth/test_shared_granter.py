"""The granter that shares tokens: one grant for all replicas."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from proxy.config.model import OAuthClient
from proxy.errors import AuthorizationServerError, GrantRejected, GrantUnavailable
from proxy.oauth.granter import GrantProgress
from proxy.oauth.shared_granter import LEASE, SharedGranter
from proxy.oauth.token import Freshness, Moment, Token, lasting
from proxy.store.keys import KeyMissing, Keys, ValueForged
from proxy.store.tokens import Sealed, StoreUnreachable
from tests.fakes.clock import HandClock
from tests.fakes.token_store import OTHER_KEY, MemoryTokenStore, Row, keys
from tests.unit.oauth.registrations import NEO, XSUAA, registration


class World:
    """An authorization server, a store's rows and the store's clock."""

    def __init__(self, preset: dict[str, Any] = XSUAA) -> None:
        self.client = registration(preset)
        self.time = HandClock(wall=2e9)
        self.rows: dict[bytes, Row] = {}
        self.grants = 0
        self.lifetime = 3600.0
        self.hold: asyncio.Event | None = None
        self.error: Exception | None = None
        self.text: str | None = None
        "What each token is; by default a new one each time."

    def advance(self, seconds: float, *replicas: "Replica") -> None:
        """Let time pass everywhere."""
        for each in (self.time, *(replica.clock for replica in replicas)):
            each.advance(seconds)

    @property
    def row(self) -> Row:
        """The only row."""
        (row,) = self.rows.values()
        return row


class Replica:
    """A shared granter with a clock of its own."""

    def __init__(self, world: World, *, wall: float = 1.8e9, client: OAuthClient | None = None) -> None:
        self.world = world
        self.clock = HandClock(wall=wall)
        self.store = MemoryTokenStore(world.time, world.rows)
        self.keys: Keys = keys()
        self.rejected: list[ValueError] = []
        self.progress = GrantProgress(self.clock.monotonic, lambda _outcome, _seconds: None)
        self.granter = SharedGranter(
            client or world.client,
            self,
            self.store,
            keys=lambda: self.keys,
            rejected=self.rejected.append,
            clock=self.clock,
            sleep=self.sleep,
            random=lambda: 0.5,
        )

    async def sleep(self, seconds: float) -> None:
        """Wait on the clock that is moved by hand."""
        over = asyncio.Event()
        self.clock.call_later(seconds, over.set)
        await over.wait()

    async def grant(self, refused: Token | None, progress: GrantProgress) -> Token:
        """Ask the authorization server."""
        del refused, progress
        world, asked = self.world, Moment.now(self.clock)
        world.grants += 1
        number = world.grants
        if world.hold is not None:
            await world.hold.wait()
        if world.error is not None:
            raise world.error
        text = world.text or f"token-{number}"
        return lasting(world.lifetime, text.encode(), asked=asked, expiry_buffer=300, jitter=0.5, scopes=("a",))

    async def token(self, refused: Token | None = None) -> Token:
        """What the granter returns; its progress is kept."""
        self.progress = GrantProgress(self.clock.monotonic, lambda _outcome, _seconds: None)
        return await self.granter.grant(refused, self.progress)

    def begin(self, refused: Token | None = None) -> "asyncio.Task[Token]":
        """Begin to get a token."""
        return asyncio.create_task(self.token(refused))


async def turns(count: int = 30) -> None:
    """Let everybody do what is ready."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_the_second_replica_takes_over_the_token() -> None:
    """It has the same token, scopes and lifetime, without a token request."""
    world = World()
    first, second = Replica(world), Replica(world)
    token = await first.token()
    world.advance(100, first, second)
    taken = await second.token()
    assert (taken.authorization, taken.scopes) == (token.authorization, ("a",))
    assert taken.obtained.monotonic == second.clock.monotonic() - 100
    assert taken.expires.monotonic - taken.obtained.monotonic == 3600
    assert (world.grants, first.progress.is_taken_over, second.progress.is_taken_over) == (1, False, True)


async def test_nothing_readable_is_in_the_row() -> None:
    """Neither its name nor its value has a part of the token or of the credentials."""
    world = World()
    await Replica(world).token()
    assert world.row.token is not None
    content = b"".join([*world.rows, *world.row.token])
    assert not any(each in content for each in (b"token-1", b"s3cret", b"sb-1"))


@pytest.mark.parametrize(
    "changes",
    [
        {"token_url": "https://other.example/oauth/token"},
        {"client_id": "another"},
        {"client_secret": None, "client_secret_next": None},
        {"scopes": ("a",)},
        {"endpoint_params": {"resource": "b"}},
        {"token_headers": {"X-Zone": "c"}},
    ],
)
async def test_other_credentials_or_parameters_have_another_row(changes: dict[str, Any]) -> None:
    """A replica whose secret was changed neither gets the others' token nor waits for their failure."""
    world = World()
    await Replica(world).token()
    await Replica(world, client=registration(XSUAA, **changes)).token()
    assert (world.grants, len(world.rows)) == (2, 2)


async def test_replicas_that_ask_at_once_share_one_grant() -> None:
    """One takes the lease, and the others wait for its token."""
    world = World()
    world.hold = asyncio.Event()
    waiting = [Replica(world).begin() for _ in range(4)]
    await turns()
    world.hold.set()
    assert {(await each).authorization for each in waiting} == {b"token-1"}
    assert world.grants == 1


async def test_a_token_that_was_published_between_look_and_lease_is_taken() -> None:
    """The second look, under the lease, finds it; the lease is given back."""
    world = World()
    first, second = Replica(world), Replica(world)

    async def late(operation: str, effect: Callable[[], object]) -> object:
        if operation == "acquire":
            await first.token()
        return effect()

    second.store.through = late
    assert (await second.token()).authorization == b"token-1"
    assert (world.grants, world.row.owner) == (1, None)


async def test_a_stale_token_is_replaced_once_for_all() -> None:
    """The first that renews makes the grant; the second takes over, for the row has a newer token than its own."""
    world = World()
    first, second = Replica(world), Replica(world)
    await first.token()
    await second.token()
    world.advance(3400, first, second)
    assert (await first.token()).authorization == b"token-2"
    assert (await second.token()).authorization == b"token-2"
    assert world.grants == 2


async def test_a_clock_that_was_set_on_costs_no_grant() -> None:
    """The store knows that the token is fresh, whatever the replica's wall clock says."""
    world = World()
    replica = Replica(world)
    await replica.token()
    replica.clock.set_wall(5000)
    token = await replica.token()
    assert token.freshness(Moment.now(replica.clock)) is Freshness.FRESH
    assert world.grants == 1


async def test_clocks_that_differ_by_minutes_do_no_harm() -> None:
    """Each replica counts the token's life on its own clocks."""
    world = World()
    behind, ahead = Replica(world, wall=1.8e9 - 600), Replica(world, wall=1.8e9 + 600)
    await behind.token()
    world.advance(1000, behind, ahead)
    token = await ahead.token()
    assert token.expires.seconds_from(Moment.now(ahead.clock)) == 2600
    assert world.grants == 1


async def test_a_new_replica_uses_a_live_token_while_another_renews_it() -> None:
    """It does not wait for the grant, and makes none."""
    world = World()
    first, second = Replica(world), Replica(world)
    await first.token()
    world.advance(3400, first, second)
    world.hold = asyncio.Event()
    renewing = first.begin()
    await turns()
    token = await second.token()
    assert (token.authorization, token.freshness(Moment.now(second.clock))) == (b"token-1", Freshness.STALE)
    world.hold.set()
    assert (await renewing).authorization == (await second.token()).authorization == b"token-2"


async def test_a_lease_is_extended_while_the_grant_runs_and_ends_with_its_holder() -> None:
    """Others wait as long as the holder lives; when it is gone, the next one makes the grant."""
    world = World()
    world.hold = asyncio.Event()
    holder, other = Replica(world), Replica(world)
    dying, waiting = holder.begin(), other.begin()
    for _ in range(8):
        await turns()
        world.advance(LEASE / 3, holder, other)
    await turns()
    assert world.grants == 1
    holder.store.is_available = False  # as after a kill, nothing reaches the store any more
    dying.cancel()
    await asyncio.wait([dying])
    world.advance(LEASE, other)
    await turns()
    world.hold.set()
    assert (await waiting).authorization == b"token-2"
    assert world.grants == 2


async def test_a_cancelled_grant_gives_its_lease_back() -> None:
    """The next replica need not wait for the lease's end."""
    world = World()
    world.hold = asyncio.Event()
    task = Replica(world).begin()
    await turns()
    assert world.row.owner is not None
    task.cancel()
    await asyncio.wait([task])
    assert world.row.owner is None


async def test_a_holder_that_stood_still_takes_the_token_that_was_published_meanwhile() -> None:
    """It overwrites nothing: its own token may be void by then."""
    world = World()
    world.hold = asyncio.Event()
    slow, quick = Replica(world), Replica(world)
    waiting = slow.begin()
    await turns()
    world.advance(LEASE + 1, quick)
    hold, world.hold = world.hold, None
    assert (await quick.token()).authorization == b"token-2"
    hold.set()
    assert (await waiting).authorization == b"token-2"
    assert world.row.generation == 1


async def test_a_holder_whose_lease_was_taken_keeps_its_token_for_itself() -> None:
    """The other is still asking, so there is nothing better."""
    world = World()
    world.hold = asyncio.Event()
    slow, other = Replica(world), Replica(world)
    first = slow.begin()
    await turns()
    world.advance(LEASE + 1, other)
    first_hold, world.hold = world.hold, asyncio.Event()
    second = other.begin()
    await turns()
    first_hold.set()
    await turns()
    assert (await first).authorization == b"token-1"
    assert world.row.generation == 0
    world.hold.set()
    assert (await second).authorization == b"token-2"


async def test_a_lost_lease_is_not_extended() -> None:
    """The replica that lost it does not take it back."""
    world = World()
    world.hold = asyncio.Event()
    slow, other = Replica(world), Replica(world)
    first = slow.begin()
    await turns()
    world.advance(LEASE + 1, other)
    second = other.begin()
    await turns()
    owner = world.row.owner
    for _ in range(3):
        slow.clock.advance(LEASE / 3)
        await turns()
    assert (world.row.owner, slow.store.calls["extend"]) == (owner, 1)
    world.hold.set()
    await asyncio.gather(first, second)


async def test_a_refused_token_is_replaced_once_for_all() -> None:
    """Who comes second with the same refused token takes over the new one."""
    world = World()
    first, second = Replica(world), Replica(world)
    refused = await first.token()
    also = await second.token()
    assert (await first.token(refused)).authorization == b"token-2"
    assert (await second.token(also)).authorization == b"token-2"
    assert world.grants == 2


async def test_a_token_that_is_granted_again_is_another_generation() -> None:
    """A server that grants the same token again causes one grant, not one for each replica."""
    world = World()
    world.text = "same"
    first, second = Replica(world), Replica(world)
    refused = await first.token()
    also = await second.token()
    await first.token(refused)
    await second.token(also)
    assert world.grants == 2


async def test_a_refused_token_is_known_after_the_options_have_changed() -> None:
    """A new granter does not know the generation, and compares the token."""
    world = World()
    refused = await Replica(world).token()
    assert (await Replica(world).token(refused)).authorization == b"token-2"


async def test_a_failed_grant_is_shared() -> None:
    """The other replica raises the same error without a token request, for as long as the pause lasts."""
    world = World()
    world.error = GrantRejected("refused with 401", definite=True)
    first, second = Replica(world), Replica(world)
    with pytest.raises(GrantRejected):
        await first.token()
    with pytest.raises(GrantRejected, match="refused with 401") as raised:
        await second.token()
    assert (raised.value.retry_after, raised.value.definite, world.grants) == (1, True, 1)
    world.advance(1, first, second)
    world.error = None
    assert (await second.token()).authorization == b"token-2"
    assert (world.row.failure, world.row.failures) == (None, 0)


@pytest.mark.parametrize(
    ("error", "pauses"),
    [
        (GrantRejected("no"), [0.75, 1.5, 3.0, 6.0]),
        (GrantUnavailable("away"), [0.75, 1.5, 3.0, 3.75]),
        (GrantUnavailable("away", retry_after=30), [30.0, 30.0, 30.0, 30.0]),
    ],
)
async def test_the_shared_pause_grows(error: AuthorizationServerError, pauses: list[float]) -> None:
    """Less so where only this replica's way to the server may be closed."""
    world = World()
    world.error = error
    replica, found = Replica(world), []
    for _ in pauses:
        with pytest.raises(type(error)):
            await replica.token()
        found.append(world.row.retry_at - world.time.monotonic())
        world.advance(found[-1], replica)
    assert found == pauses


async def test_a_failure_between_look_and_lease_counts() -> None:
    """Another replica has just failed: no second try at once."""
    world = World()
    first, second = Replica(world), Replica(world)
    world.error = GrantRejected("no")

    async def late(operation: str, effect: Callable[[], object]) -> object:
        if operation == "acquire":
            with pytest.raises(GrantRejected):
                await first.token()
        return effect()

    second.store.through = late
    with pytest.raises(GrantRejected):
        await second.token()
    assert (world.grants, world.row.owner) == (1, None)


async def test_a_fault_of_our_own_gives_the_lease_back() -> None:
    """It is not shared, because it says nothing about the authorization server."""
    world = World()
    world.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await Replica(world).token()
    assert (world.row.owner, world.row.failure) == (None, None)


@pytest.mark.parametrize("operation", ["name_of", "look", "acquire", "publish"])
async def test_without_a_store_each_replica_makes_its_own_grant(operation: str) -> None:
    """Wherever the store fails, there is a token after one token request."""
    world = World()
    replica = Replica(world)
    if operation == "name_of":
        replica.store.is_available = False
    else:
        replica.store.through = failing(operation)
    assert (await replica.token()).authorization == b"token-1"
    assert world.grants == 1
    assert not replica.progress.is_taken_over


async def test_a_store_that_fails_under_the_lease_gives_it_back_and_goes_alone() -> None:
    """The second look fails, and there is one grant all the same."""
    world = World()
    replica, looks = Replica(world), iter("yn")

    async def through(operation: str, effect: Callable[[], object]) -> object:
        if operation == "look" and next(looks) == "n":
            raise StoreUnreachable("away")
        return effect()

    replica.store.through = through
    await replica.token()
    assert (world.grants, world.row.owner) == (1, None)


async def test_a_failure_that_cannot_be_shared_is_raised_all_the_same() -> None:
    """The store fails while the failure is published."""
    world = World()
    world.error = GrantRejected("no")
    replica = Replica(world)
    replica.store.through = failing("publish_failure")
    with pytest.raises(GrantRejected):
        await replica.token()


async def test_a_lease_that_cannot_be_extended_is_tried_again() -> None:
    """The store was away for a moment."""
    world = World()
    world.hold = asyncio.Event()
    replica = Replica(world)
    task = replica.begin()
    await turns()
    replica.store.through = failing("extend")
    world.advance(LEASE / 3, replica)
    await turns()
    replica.store.through = MemoryTokenStore(world.time).through
    world.advance(LEASE / 3, replica)
    await turns()
    assert world.row.lease_until == world.time.monotonic() + LEASE
    world.hold.set()
    await task


async def test_a_replica_that_has_just_started_can_do_without_the_store() -> None:
    """It has looked before a token was needed. That token is good for one time, and not if it was refused."""
    world = World(NEO)
    await Replica(world).token()
    second = Replica(world)
    await second.granter.prefetch()
    second.store.is_available = False
    token = await second.token()
    assert (token.authorization, world.grants, second.progress.is_taken_over) == (b"token-1", 1, True)
    waiting = second.begin(token)
    await turns()
    await pass_time(world, second, 7.5)
    assert (await waiting).authorization == b"token-2"


async def test_a_start_without_a_store_prefetches_nothing() -> None:
    """There is a grant when a token is needed."""
    world = World()
    replica = Replica(world)
    replica.store.is_available = False
    await replica.granter.prefetch()
    assert (await replica.token()).authorization == b"token-1"


async def voiding() -> tuple[World, Replica, Token]:
    """A replica of a Neo client that has a token, and whose store is away."""
    world = World(NEO)
    replica = Replica(world)
    token = await replica.token()
    replica.store.is_available = False
    return world, replica, token


async def pass_time(world: World, replica: Replica, seconds: float) -> None:
    """Let time pass in small steps."""
    for _ in range(int(seconds * 4)):
        world.advance(0.25, replica)
        await turns()


async def test_a_grant_that_voids_tokens_waits_while_the_store_is_away() -> None:
    """A stale token is used until it expires; only then is there a grant."""
    world, replica, _ = await voiding()
    world.advance(3400, replica)
    renewing = replica.begin()
    await turns()
    await pass_time(world, replica, 100)
    assert (world.grants, renewing.done()) == (1, False)
    await pass_time(world, replica, 101)
    assert (await renewing).authorization == b"token-2"


async def test_a_grant_that_voids_tokens_goes_on_when_the_store_is_there_again() -> None:
    """By the protocol: another replica's token is taken over."""
    world, replica, _ = await voiding()
    other = Replica(world)
    world.advance(3400, replica, other)
    renewing = replica.begin()
    await turns()
    await other.token()
    replica.store.is_available = True
    await pass_time(world, replica, 0.25)
    assert (await renewing).authorization == b"token-2"
    assert world.grants == 2


@pytest.mark.parametrize("how", ["refused at the beginning", "refused while it waits"])
async def test_a_refused_token_is_replaced_after_a_respite(how: str) -> None:
    """Five seconds and a random part, so that replicas do not void each other's tokens in turn."""
    world, replica, token = await voiding()
    if how == "refused at the beginning":
        renewing = replica.begin(token)
    else:
        world.advance(3400, replica)
        renewing = replica.begin()
        await turns()
        replica.progress.extend(20)  # as an exchange does that waits
    await turns()
    await pass_time(world, replica, 7.25)
    assert (world.grants, renewing.done()) == (1, False)
    await pass_time(world, replica, 0.25)
    assert (await renewing).authorization == b"token-2"


async def test_the_respite_does_not_begin_again_while_the_store_comes_and_goes() -> None:
    """A store that is there only for a moment does not put the grant off for ever."""
    world, replica, token = await voiding()
    replica.store.through = failing("look")
    renewing = replica.begin(token)
    for _ in range(31):
        replica.store.is_available = True
        await pass_time(world, replica, 0.25)
    assert (await renewing).authorization == b"token-2"


async def test_a_first_token_of_a_voiding_client_does_not_wait() -> None:
    """Nothing is at hand."""
    world = World(NEO)
    replica = Replica(world)
    replica.store.is_available = False
    assert (await replica.token()).authorization == b"token-1"


async def test_a_replica_with_a_foreign_key_goes_alone_and_says_so() -> None:
    """It leaves the row as it is."""
    world = World()
    first, foreign = Replica(world), Replica(world)
    foreign.keys = keys(OTHER_KEY)
    await first.token()
    assert (await foreign.token()).authorization == b"token-2"
    assert [type(each) for each in foreign.rejected] == [KeyMissing]
    assert world.row.generation == 1


async def test_a_foreign_key_of_a_voiding_client_waits_for_another_key() -> None:
    """The keys file is corrected while a stale token is used, and the replica shares again."""
    world = World(NEO)
    first, foreign = Replica(world), Replica(world)
    await first.token()
    await foreign.token()
    world.advance(3400, first, foreign)
    await first.token()
    foreign.keys = keys(OTHER_KEY)
    renewing = foreign.begin()
    await turns()
    await pass_time(world, foreign, 1)
    assert not renewing.done()
    foreign.keys = keys()
    await pass_time(world, foreign, 0.25)
    assert (await renewing).authorization == b"token-2"
    assert world.grants == 2


@pytest.mark.parametrize("field", ["token", "failure"])
async def test_a_value_that_was_tampered_with_is_replaced(field: str) -> None:
    """It is reported, and a grant is made."""
    world = World()
    replica = Replica(world)
    await replica.token()
    world.row.token = None
    world.row.retry_at = world.time.monotonic() + 60
    setattr(world.row, field, Sealed(keys().current_id, bytes(60)))
    assert (await replica.token()).authorization == b"token-2"
    assert {type(each) for each in replica.rejected} == {ValueForged}


async def test_a_value_is_worth_nothing_in_another_row() -> None:
    """The row's name and the generation are part of what is authenticated."""
    world = World()
    await Replica(world).token()
    world.row.generation = 2
    replica = Replica(world)
    assert (await replica.token()).authorization == b"token-2"
    assert {type(each) for each in replica.rejected} == {ValueForged}


def failing(failing_operation: str) -> Callable[[str, Callable[[], object]], Any]:
    """A store whose one operation fails, after it was done."""

    async def through(operation: str, effect: Callable[[], object]) -> object:
        if operation == failing_operation:
            raise StoreUnreachable("away")
        return effect()

    return through
