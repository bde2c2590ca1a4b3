"""Who can be named: conversations an activity came from, or whoever has agreed on record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from recado.consent import Consents
from recado.domain.delivery import State
from recado.domain.explanation import explain
from recado.domain.reference import Member
from recado.domain.roster import RosterMember, RosterRule
from recado.errors import UnknownRecipient
from recado.outbox import Outbox
from recado.references import References
from recado.store.sqlite import SqliteStore
from recado.telemetry import Telemetry
from recado.testing import HandClock
from tests.moving.kit import Place
from tests.store.kit import Desk

MAIL = "eva@example.com"
EVA = Member(user_id="29:eva", aad_object_id="aad-eva", email=MAIL)


class Office:
    """What accepts, and what records, over one store."""

    def __init__(self, desk: Desk, rule: RosterRule = RosterRule.ALLOW) -> None:
        self.desk = desk
        references = References(desk.store, Telemetry(), clock=desk.clock, roster=rule)
        self.consent = Consents(desk.store, references, desk.clock, bot="local")
        self.outbox = Outbox(desk.store, references, desk.clock, Telemetry(), bot="local")

    async def notify(self, who: str, text: str = "hello", **options: Any) -> str:
        """Have something accepted; the delivery's id."""
        handle = await self.outbox.notify(who, text, **options)
        (made,) = handle.delivery_ids
        return made


async def list_eva(desk: Desk) -> None:
    """A roster with Eva on it, who never spoke to the bot."""
    team = await desk.meet("19:t@thread.tacv2", is_group=True, conversation_type="channel")
    told: dict[str, Any] = {"began_at": desk.now, "now": desk.now, "listed": 1}
    await desk.store.keep_roster(team.id, [RosterMember(member=EVA)], continuation=None, **told)


async def test_whoever_is_not_known_is_refused(place: Place, clock: HandClock) -> None:
    """As long as they have not agreed."""
    async with place.desk(clock) as desk:
        with pytest.raises(UnknownRecipient):
            await Office(desk).notify(f"user:{MAIL}")
        assert await desk.ids() == []


async def test_who_has_agreed_is_waited_for(place: Place, clock: HandClock) -> None:
    """It is accepted and held until they come, then it goes out once and in order."""
    async with place.desk(clock) as desk:
        office = Office(desk)
        await office.consent.opt_in(f"user:{MAIL}", how="form", wording="Tell me")
        made = [await office.notify(f"user:{MAIL}", text) for text in "123"]
        assert await desk.standing(made[0]) == (State.HELD, "no_reference")
        told = " ".join(explain(await desk.detail(made[0]), now=desk.now, served=True))
        assert f"No conversation with {MAIL} is known" in told
        assert "write to the bot, or install it" in told
        await desk.meet("a:eva", members=(EVA,))
        assert await desk.drain() == ["1", "2", "3"]
        assert await desk.drain() == []
        assert [await desk.state(each) for each in made] == [State.DELIVERED] * 3


async def test_who_refuses_while_they_are_waited_for(place: Place, clock: HandClock) -> None:
    """Gets nothing of what had been accepted for them."""
    async with place.desk(clock) as desk:
        office = Office(desk)
        await office.consent.opt_in(f"user:{MAIL}")
        made = await office.notify(f"user:{MAIL}")
        desk.later(1)
        await office.consent.opt_out(f"user:{MAIL}")
        with pytest.raises(UnknownRecipient):
            await office.notify(f"user:{MAIL}")
        await desk.meet("a:eva", members=(EVA,))
        assert await desk.drain() == []
        assert await desk.standing(made) == (State.SUPPRESSED, "opted_out")


async def test_an_agreement_to_one_kind_is_one_to_that_kind(place: Place, clock: HandClock) -> None:
    """Who has agreed to prices has not agreed to everything."""
    async with place.desk(clock) as desk:
        office = Office(desk)
        await office.consent.opt_in(f"user:{MAIL}", "prices")
        with pytest.raises(UnknownRecipient):
            await office.notify(f"user:{MAIL}")
        with pytest.raises(UnknownRecipient):
            await office.notify(f"user:{MAIL}", category="news")
        made = await office.notify(f"user:{MAIL}", category="prices")
        assert await desk.standing(made) == (State.HELD, "no_reference")


async def test_a_plan_stores_nothing(place: Place, clock: HandClock) -> None:
    """Whoever only looks leaves no reference behind."""
    async with place.desk(clock) as desk:
        office = Office(desk)
        await office.consent.opt_in(f"user:{MAIL}")
        plan = await office.outbox.plan(f"user:{MAIL}", "hello")
        assert sum(each.unreachable for each in plan.reach) == 1
        assert await desk.store.find_references("local", MAIL) == []


async def test_a_roster_makes_nobody_reachable_where_agreement_is_asked_for(
    place: Place, clock: HandClock
) -> None:
    """Until it is on record, under whichever of their names."""
    async with place.desk(clock) as desk:
        await list_eva(desk)
        office = Office(desk, RosterRule.REQUIRE_OPT_IN)
        with pytest.raises(UnknownRecipient, match="opt-in"):
            await office.notify("user:29:eva")
        await office.consent.opt_in(f"user:{MAIL}")
        made = await office.notify("user:29:eva")
        assert (await desk.detail(made)).conversation.conversation_id == "to-be-made:29:eva"
        desk.later(1)
        await office.consent.opt_out(f"user:{MAIL}")
        with pytest.raises(UnknownRecipient):
            await office.notify("user:29:eva")
        assert await desk.drain() == []
        assert await desk.standing(made) == (State.SUPPRESSED, "opted_out")


async def test_a_roster_is_enough_where_nothing_is_asked_for(
    place: Place, clock: HandClock
) -> None:
    """As before."""
    async with place.desk(clock) as desk:
        await list_eva(desk)
        assert await Office(desk).notify("user:29:eva")


async def test_what_waits_goes_to_a_chat_that_is_made(place: Place, clock: HandClock) -> None:
    """The roster that tells of them may be read later."""
    async with place.desk(clock) as desk:
        office = Office(desk)
        await office.consent.opt_in(f"user:{MAIL}")
        await office.notify(f"user:{MAIL}", "1")
        await list_eva(desk)
        await office.notify(f"user:{MAIL}", "2")
        claims = await desk.claim()
        assert [claim.conversation_id for claim in claims] == ["to-be-made:29:eva"]
        assert await desk.texts(claims) == ["1"]


async def test_what_expires_while_nobody_comes(place: Place, clock: HandClock) -> None:
    """It ends like anything else."""
    async with place.desk(clock) as desk:
        office = Office(desk)
        await office.consent.opt_in(f"user:{MAIL}")
        made = await office.notify(f"user:{MAIL}", expires=timedelta(hours=1))
        await desk.store.promote(desk.later(3600), 10)
        assert await desk.state(made) is State.EXPIRED


async def test_nobody_who_is_expected_is_part_of_a_broadcast(
    place: Place, clock: HandClock
) -> None:
    """They are told what is for them."""
    async with place.desk(clock) as desk:
        office = Office(desk)
        await office.consent.opt_in(f"user:{MAIL}")
        waits = await office.notify(f"user:{MAIL}")
        for audience in ("all", "everyone"):
            await office.outbox.notify(audience, "to all")
        await desk.store.expand(desk.now, 100)
        assert await desk.ids() == [waits]


async def test_whoever_asks_why_is_told_of_the_mute(place: Place, clock: HandClock) -> None:
    """What holds it, whose wish that is, since when and until when."""
    async with place.desk(clock) as desk:
        office = Office(desk)
        await desk.meet("a:eva", members=(EVA,))
        desk.later(60)
        told = await office.consent.mute("user:29:eva", for_=timedelta(hours=2))
        made = await office.notify("user:29:eva")
        assert await desk.drain() == []
        chain = await office.outbox.chain(await desk.detail(made))
        (found,) = [(grip, link) for grip, link in chain if link.name == "consent"]
        grip, link = found
        assert (grip, link.holds, link.until) == ("now", True, told.muted_until)
        assert "muted until 2026-01-05 1" in link.said


async def test_without_anybody_expected_nothing_is_looked_for() -> None:
    """New conversations cost one look more."""
    clock = HandClock()
    store = SqliteStore(None, clock)
    await store.open()
    desk = Desk(store, clock)
    captured = await desk.see("a:1")
    assert (captured.new, captured.released) == (True, 0)
    await store.close()
