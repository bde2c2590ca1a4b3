"""Everything about one person: shown to them, and taken away until nothing is left anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from recado.app import Recado
from recado.config import Settings
from recado.consent import Consents
from recado.domain.audience import Person, Several
from recado.domain.consent import Said, somebody, subject_of
from recado.domain.delivery import State
from recado.domain.job import JobScope
from recado.domain.making import Wish
from recado.domain.pause import Pause, PauseKind
from recado.domain.reference import Member, Reference
from recado.domain.roster import RosterMember
from recado.errors import InvalidAudience
from recado.references import References
from recado.store.port import Put
from recado.telemetry import Telemetry
from recado.testing import HandClock
from tests.moving.kit import Place, fill
from tests.store.contract.test_consent import say_of
from tests.store.kit import Desk

#: Nobody else has any of these in theirs.
USER, OTHER_USER = "29:ana-7c1f", "u-ana-90aa"
DIRECTORY, MAIL = "aad-ana-5e2b", "ana.garcia@example.com"
NAME = "Ana García Ruiz"
ANA = Member(user_id=USER, name=NAME, aad_object_id=DIRECTORY)
MAILED = Member(user_id=OTHER_USER, name=NAME, aad_object_id=DIRECTORY, email=MAIL)
BEN = Member(user_id="29:ben", name="Ben")
ACCOUNT = {"id": USER, "name": NAME, "aadObjectId": DIRECTORY}
SECRETS = (USER, OTHER_USER, DIRECTORY, MAIL, NAME, "conv-ana", "told to her alone")


def everything(place: Place) -> Iterator[tuple[str, str]]:
    """Every row of every table there is, as text, with the table's name."""
    sqlite = "SELECT name FROM sqlite_schema WHERE type = 'table'"
    postgres = """
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
    """
    try:
        tables = place.ask(sqlite)
    except Exception:  # noqa: BLE001 - it is the other database
        tables = place.ask(postgres)
    assert len(tables) > 25
    for (table,) in tables:
        for row in place.ask(f'SELECT * FROM "{table}"'):  # noqa: S608 - of the schema itself
            yield table, json.dumps(row, ensure_ascii=False, default=str)


def left_of(place: Place, *secrets: str) -> dict[str, list[str]]:
    """Rows that tell something about the person, by table."""
    found: dict[str, list[str]] = {}
    for table, row in everything(place):
        if any(each.casefold() in row.casefold() for each in secrets):
            found.setdefault(table, []).append(row)
    return found


def consents_of(desk: Desk) -> Consents:
    """The use cases over the desk's store."""
    references = References(desk.store, Telemetry(), clock=desk.clock)
    return Consents(desk.store, references, desk.clock, bot="local")


async def meet(desk: Desk, conversation: str, **changes: Any) -> Reference:
    """A conversation whose reference tells who was heard there last."""
    raw = {"user": ACCOUNT, "conversation": {"id": conversation}, "channelId": "msteams:COPILOT"}
    return await desk.meet(conversation, **({"raw": raw} | changes))


async def live_with(desk: Desk) -> Reference:
    """Ana's life with the bot: some of everything."""
    ana = await meet(desk, "conv-ana-1", members=(ANA,), name=NAME, locale="es")
    await meet(desk, "conv-ana-2", channel="outlook", members=(MAILED,))
    group = await meet(desk, "19:g", is_group=True, members=(ANA, BEN))
    await meet(desk, "conv-ben", members=(BEN,), raw={})
    listed = [RosterMember(member=MAILED, principal_name=MAIL), RosterMember(member=BEN)]
    told: dict[str, Any] = {"began_at": desk.now, "now": desk.now, "listed": 2}
    await desk.store.keep_roster(group.id, listed, continuation=None, **told)
    wish = Wish(bot="local", channel="msteams", service_url="https://x.example/", member=ANA)
    await desk.say("told to her alone: wish", await desk.store.wish(wish))
    await _say_things(desk, ana, group)
    await _keep_things(desk, ana, group)
    await _wait_for_things(desk, ana, group)
    return ana


async def _say_things(desk: Desk, ana: Reference, group: Reference) -> None:
    for state in (State.DELIVERED, State.REJECTED, State.SCHEDULED, State.HELD, State.UNKNOWN):
        await desk.delivery_in(state, ana)
    text = "told to her alone"
    await desk.say(text, ana, audience=Person(MAIL), key=f"for-{MAIL}", key_scope="api")
    await desk.say(text, ana, user=ACCOUNT, collapse_key=USER, category="prices")
    await desk.say(f"{text}: about her", group, user=ACCOUNT)
    later = desk.now + timedelta(days=1)
    await desk.say(f"{text}: later", group, user=ACCOUNT, due_at=later)
    await desk.store.expand(desk.now, 100)
    ben = await desk.find("conv-ben")
    both = Several((Person(MAIL), Person("29:ben")))
    await desk.accept("to both", ana, ben, audience=both)
    await desk.accept("to all")
    await desk.store.expand(desk.now, 100)


async def _keep_things(desk: Desk, ana: Reference, group: Reference) -> None:
    for where in (ana, group):
        await desk.store.start_job(
            JobScope(bot="local"), where, user=ACCOUNT, now=desk.now, title=f"for {NAME}"
        )
    for key in (
        "msteams:COPILOT/conversations/conv-ana-1",
        f"msteams/users/{USER}",
        f"msteams/conversations/19:g/users/{USER}",
        "msteams/users/29:ben",
    ):
        await desk.store.write_state("local", [Put(key=key, value={"for": key})])
    await say_of(desk, MAIL, Said.IN, wording=f"Yes, {NAME}")
    await say_of(desk, DIRECTORY, Said.OUT, category="prices")
    pause = Pause(kind=PauseKind.CONVERSATION, reason="x", since=desk.now, bot="local", name=ana.id)
    await desk.store.pause(pause)


async def _wait_for_things(desk: Desk, ana: Reference, group: Reference) -> None:
    """What waits for a time, an event or an answer, and what she has set."""
    recado = Recado(Settings(database_url="sqlite://"), store=desk.store, clock=desk.clock)
    text, hour = "told to her alone", timedelta(hours=1)
    await recado.schedules.create(f"user:{MAIL}", text, after=hour)
    await recado.schedules.create(f"conversation:{group.id}", text, after=hour, user=ACCOUNT)
    await recado.watches.create(f"user:{USER}", subject="apples", rule="drop 20%", text=text)
    await recado.watches.create(
        f"conversation:{group.id}", subject="apples", rule="rise 5%", text=text, user=ACCOUNT
    )
    await recado.topics.create("news")
    await recado.topics.subscribe("news", ana)
    await recado.recipients.set_zone(f"user:{MAIL}", "Europe/Madrid")
    for where in (ana, group):
        await recado.outbox.notify(
            f"conversation:{where.id}",
            text,
            user=ACCOUNT,
            answer_handler="hear",
            answer_value={"who": NAME},
        )
    await say_of(desk, subject_of(group), Said.MUTE, until=desk.now + hour, by=USER, wording=NAME)
    await desk.store.local_start("conv-ana-1", ACCOUNT)
    await desk.store.local_start("shared", ACCOUNT)
    for conversation in ("conv-ana-1", "shared"):
        activity = {"type": "message", "from": ACCOUNT, "text": f"I am {NAME}"}
        await desk.store.local_append(conversation, activity)


async def test_nothing_is_left_of_them(place: Place, clock: HandClock) -> None:
    """No table tells anything about them, whichever there is."""
    async with place.desk(clock) as desk:
        await live_with(desk)
        told = set(left_of(place, *SECRETS))
        expected = (
            "member roster notification state job reference consent consent_now idempotency "
            "schedule watch recipient local_conversation local_activity audit"
        )
        assert {f"recado_{each}" for each in expected.split()} <= told
        await consents_of(desk).erase_person(f"user:{MAIL}")
        assert left_of(place, *SECRETS) == {}


async def test_whatever_else_is_kept_is_taken_away(place: Place, clock: HandClock) -> None:
    """Somebody whom every table that can be moved tells about, because each is filled in there."""
    async with place.desk(clock) as desk:
        await fill(desk)
        assert len(left_of(place, "29:ana")) > 3
        await consents_of(desk).erase_person("user:29:ana")
        assert left_of(place, "29:ana", "Ana \u00fc", "ana@example.com") == {}


async def test_others_keep_what_is_theirs(place: Place, clock: HandClock) -> None:
    """Ben's messages, his state and his place in the group are as they were."""
    async with place.desk(clock) as desk:
        await live_with(desk)
        await consents_of(desk).erase_person(f"user:{USER}")
        ben = await desk.find("conv-ben")
        assert [each.user_id for each in ben.members] == ["29:ben"]
        assert [each.user_id for each in (await desk.find("19:g")).members] == ["29:ben"]
        (kept,) = (await desk.store.read_state("local", ["msteams/users/29:ben"])).values()
        assert "29:ben" in kept.value["for"]
        assert {"to both", "to all"} <= set(await desk.drain())


async def test_nothing_leaves_for_them_any_more(place: Place, clock: HandClock) -> None:
    """What waited is cancelled; what comes from old lists is for nobody."""
    async with place.desk(clock) as desk:
        ana = await live_with(desk)
        await consents_of(desk).erase_person(f"user:{USER}")
        assert not [text for text in await desk.drain() if "alone" in text]
        assert await desk.store.find_references("local", USER) == []
        gone = await desk.store.reference(ana.id)
        assert gone is not None
        assert not gone.health.reachable


async def test_an_erasure_is_interrupted_at_every_step(place: Place, clock: HandClock) -> None:
    """Whoever begins again brings it to its end; and once more changes nothing."""
    async with place.desk(clock) as desk:
        steps = 0
        while True:
            await live_with(desk)
            after, done = None, 0
            while done < steps:
                step = await desk.store.erase(
                    "local", somebody(MAIL), desk.now, after=after, limit=500
                )
                done, after = done + 1, step.after
                if after is None:
                    break
            again = await consents_of(desk).erase_person(f"user:{MAIL}")
            assert left_of(place, *SECRETS) == {}, f"after {steps} steps"
            if after is None and steps:
                break
            steps += 4
        assert again.rows == 0


async def test_who_had_refused_is_remembered_without_their_name(
    place: Place, clock: HandClock
) -> None:
    """An old list that brings them back reaches nobody, and neither do they who come back."""
    async with place.desk(clock) as desk:
        await live_with(desk)
        desk.later(1)
        await say_of(desk, MAIL, Said.OUT)
        desk.later(1)
        await consents_of(desk).erase_person(f"user:{MAIL}")
        assert left_of(place, *SECRETS) == {}
        status = await consents_of(desk).status(f"user:{MAIL}")
        assert status.said is Said.OUT
        desk.later(1)
        again = await meet(desk, "conv-ana-3", members=(ANA,))
        made = await desk.say("again", again)
        await desk.drain()
        assert await desk.standing(made) == (State.SUPPRESSED, "opted_out")
        desk.later(1)
        await say_of(desk, USER, Said.IN)
        await desk.say("agreed", again)
        assert "agreed" in await desk.drain()


async def test_who_had_not_refused_leaves_nothing_at_all(place: Place, clock: HandClock) -> None:
    """Not even a hash."""
    async with place.desk(clock) as desk:
        await meet(desk, "conv-ana-1", members=(ANA,))
        await say_of(desk, USER, Said.IN)
        await consents_of(desk).erase_person(f"user:{USER}")
        assert not [table for table, _ in everything(place) if table == "recado_erased"]


async def test_what_is_being_sent_is_waited_for(place: Place, clock: HandClock) -> None:
    """Who they are is forgotten when the channel has answered, and not before."""
    async with place.desk(clock) as desk:
        ana = await meet(desk, "conv-ana-1", members=(ANA,))
        claim = await desk.claim_of(await desk.say("now", ana))
        after = None
        while True:
            step = await desk.store.erase("local", somebody(USER), desk.now, after=after, limit=9)
            if step.sending:
                break
            assert step.after is not None
            after = step.after
        assert left_of(place, USER)
        await desk.settle(claim)
        while step.after is not None:
            step = await desk.store.erase(
                "local", somebody(USER), desk.now, after=step.after, limit=9
            )
        assert left_of(place, USER, NAME, "conv-ana") == {}


async def test_everything_is_shown(place: Place, clock: HandClock) -> None:
    """Who they are, what was said to them, what they allowed, and what a bot keeps for them."""
    async with place.desk(clock) as desk:
        await live_with(desk)
        told = await consents_of(desk).export_person(f"user:{MAIL}")
    names = {each["name"] for each in told["person"]["known_as"]}
    assert {USER, OTHER_USER, DIRECTORY, MAIL} <= names
    records = told["records"]
    expected = "member roster reference notification history delivery job consent state pause"
    assert set(expected.split()) <= records.keys()
    texts = {each["content"]["text"] for each in records["notification"] if each["content"]}
    assert {"told to her alone", "told to her alone: about her", "to both"} <= texts
    assert {each["said"] for each in records["consent"]} == {"in", "out", "mute"}
    assert records["consent"][0]["at"].startswith("20")
    written = json.dumps(told, ensure_ascii=False)
    assert "29:ben" not in written.replace(json.dumps(["user:29:ben"])[1:-1], "")


async def test_the_audit_tells_that_somebody_was_erased_and_not_who(
    place: Place, clock: HandClock
) -> None:
    """Once, however often it is begun."""
    async with place.desk(clock) as desk:
        await live_with(desk)
        for _ in range(2):
            await consents_of(desk).erase_person(f"user:{MAIL}")
        page = await desk.store.audit(limit=100)
        (told,) = [each for each in page.items if each.kind == "erased"]
        assert told.reference_id is None
        assert left_of(place, *SECRETS) == {}


async def test_a_group_is_nobody(place: Place, clock: HandClock) -> None:
    """Groups are neither shown nor erased as if they were people."""
    async with place.desk(clock) as desk:
        group = await desk.meet("19:g", is_group=True)
        for act in (consents_of(desk).export_person, consents_of(desk).erase_person):
            with pytest.raises(InvalidAudience, match="group"):
                await act(f"conversation:{group.id}")


async def test_what_others_are_reminded_of_too_stays_theirs(place: Place, clock: HandClock) -> None:
    """A schedule for several goes on for the others."""
    async with place.desk(clock) as desk:
        await meet(desk, "conv-ana-1", members=(ANA,))
        await meet(desk, "conv-ben", members=(BEN,), raw={})
        recado = Recado(Settings(database_url="sqlite://"), store=desk.store, clock=desk.clock)
        both = [f"user:{USER}", "user:29:ben"]
        await recado.schedules.create(both, "to both", after=timedelta(hours=1))
        await consents_of(desk).erase_person(f"user:{USER}")
        assert left_of(place, USER, "conv-ana") == {}
        (kept,) = left_of(place, "to both")["recado_schedule"]
        assert "user:29:ben" in kept


async def test_what_comes_meanwhile_is_erased_too(place: Place, clock: HandClock) -> None:
    """Whatever is accepted, sent or made for them between any two steps."""
    async with place.desk(clock) as desk:
        recado = Recado(Settings(database_url="sqlite://"), store=desk.store, clock=desk.clock)
        text, hour, steps = "told to her alone", timedelta(hours=1), 0
        while True:
            await meet(desk, "conv-ana-1", members=(ANA,))
            after = None
            for _ in range(steps + 1):
                step = await desk.store.erase(
                    "local", somebody(USER), desk.now, after=after, limit=500
                )
                after = step.after
                if after is None:
                    break
            if after is None:
                break
            await recado.outbox.notify(f"user:{USER}", text, user=ACCOUNT)
            await desk.send_all()
            await recado.outbox.notify(f"user:{USER}", text, user=ACCOUNT, when=hour)
            await recado.schedules.create(f"user:{USER}", text, after=hour)
            await recado.watches.create(f"user:{USER}", subject="x", rule="drop 20%", text=text)
            while after is not None:
                step = await desk.store.erase(
                    "local", somebody(USER), desk.now, after=after, limit=500
                )
                after = step.after
            assert left_of(place, *SECRETS) == {}, f"after {steps} steps"
            steps += 1
        assert steps > 5
