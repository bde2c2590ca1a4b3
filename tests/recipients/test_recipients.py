"""Recipients: what people set, whose word counts, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from recado.domain.politeness import Rules
from recado.domain.recipient import Change, Recipient
from recado.domain.reference import Member, Reference
from recado.errors import (
    InvalidAudience,
    InvalidHours,
    InvalidInput,
    RecadoError,
    UnknownRecipient,
    UnknownZone,
)
from recado.recipients import Recipients
from recado.references import References
from recado.store.sqlite import SqliteStore
from recado.telemetry import Telemetry
from recado.testing import HandClock, SimulatedChannel, make_sighting, simulate, wired

ANA = "user:ana@example.com"


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    """In memory."""
    made = SqliteStore(None, HandClock())
    await made.open()
    yield made
    await made.close()


def recipients_of(store: SqliteStore, rules: Rules | None = None) -> Recipients:
    """The recipients of a bot under some rules."""
    references = References(store, Telemetry())
    told = rules or Rules(zone="Asia/Tokyo")
    return Recipients(store, references, store.clock, bot="local", rules=told)


async def meet(store: SqliteStore, timezone: str | None = None) -> Reference:
    """Ana's private chat."""
    member = Member(user_id="29:ana", email="ana@example.com")
    sighting = make_sighting(members=(member,), timezone=timezone)
    await store.capture([sighting])
    found = await store.reference_by_key(sighting.key)
    assert found is not None
    return found


async def test_the_zone_is_theirs_else_their_channels_else_the_settings(
    store: SqliteStore,
) -> None:
    """By whatever name, and by the chat; and it is said who told it."""
    recipients = recipients_of(store)
    assert (await recipients.get(ANA)).zone_by == "default"
    here = await meet(store, "Europe/Paris")
    for who in (ANA, "user:29:ana", here, f"conversation:{here.id}", "conversation:a:1"):
        found = await recipients.get(who)
        assert (found.zone, found.zone_by) == ("Europe/Paris", "told")
    changed = await recipients.set_zone(ANA, "europe/madrid")
    assert changed == Recipient(who=ANA, zone="Europe/Madrid", zone_by="set")
    for who in (ANA, "user:29:ana", here):
        assert await recipients.zone_of(who) == ZoneInfo("Europe/Madrid")
    await recipients.set_zone("user:29:ana", None)
    assert await recipients.zone_of(here) == ZoneInfo("Europe/Paris")
    assert await recipients.zone_of("user:nobody") == ZoneInfo("Asia/Tokyo")


async def test_hours_are_kept_tidy_and_taken_back(store: SqliteStore) -> None:
    """As they are written, without what does not matter."""
    recipients = recipients_of(store)
    await recipients.set_quiet_hours(ANA, " 22:00-08:00 ")
    await recipients.set_window(ANA, "Mon-Fri   09:00-18:00")
    found = await recipients.set_window(ANA, "OFF", category="prices")
    assert found.quiet_hours == "22:00-08:00"
    assert found.windows == {"": "Mon-Fri 09:00-18:00", "prices": "off"}
    found = await recipients.change(ANA, Change(quiet=None, windows={"": None, "prices": None}))
    assert found == await recipients.get(ANA)
    assert (found.quiet_hours, found.windows) == (None, {})


@pytest.mark.parametrize(
    ("who", "change", "error"),
    [
        (ANA, Change(zone="Europe/Madird"), UnknownZone),
        (ANA, Change(zone="", quiet="22:00-08:00"), UnknownZone),
        (ANA, Change(quiet="whenever"), InvalidHours),
        (ANA, Change(quiet="00:00-24:00"), InvalidHours),
        (ANA, Change(windows={"": "mon 25:00-26:00"}), InvalidHours),
        (ANA, Change(quiet="20:00-08:00", windows={"prices": "21:00-22:00"}), InvalidHours),
        # The settings say 09:00-18:00 for news.
        (ANA, Change(quiet="08:00-19:00"), InvalidHours),
        (ANA, Change(windows={"x" * 300: "9-18"}), InvalidInput),
        (ANA, Change(windows={f"c{n}": "9-18" for n in range(101)}), InvalidInput),
        ("everyone", Change(zone="UTC"), InvalidAudience),
        ("ana", Change(zone="UTC"), InvalidAudience),
        ("user:a\0b", Change(zone="UTC"), InvalidAudience),
        ("conversation:nowhere", Change(zone="UTC"), UnknownRecipient),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_stored(
    store: SqliteStore, who: str, change: Change, error: type[RecadoError]
) -> None:
    """Not even the rest of it."""
    recipients = recipients_of(store, Rules(windows={"news": "09:00-18:00"}))
    await recipients.set_zone(ANA, "Europe/Paris")
    before = await recipients.get(ANA)
    with pytest.raises(error):
        await recipients.change(who, change)
    assert await recipients.get(ANA) == before


async def test_their_own_window_replaces_the_settings(store: SqliteStore) -> None:
    """So hours that would clash with the settings' do not clash with theirs."""
    recipients = recipients_of(store, Rules(windows={"news": "09:00-18:00"}))
    change = Change(quiet="08:00-19:00", windows={"news": "20:00-21:00"})
    found = await recipients.change(ANA, change)
    assert found.quiet_hours == "08:00-19:00"


def test_quiet_hours_in_a_whole_recado() -> None:
    """What is said in them arrives when they end where it goes, and what is urgent at once."""

    async def scene(clock: HandClock) -> list[tuple[str, float]]:
        channel = SimulatedChannel(clock)  # it is 09:00 in UTC
        settings = {"quiet_hours": "08:30-09:03", "window_spread_minutes": 0}
        async with wired(channel, **settings) as recado:
            begun = clock.now()
            ana, bo = await channel.meet(recado, "ana"), await channel.meet(recado, "bo")
            await recado.recipients.set_zone("user:29:bo", "Asia/Kolkata")
            await recado.notify(f"conversation:{ana.id}", "ana")
            await recado.notify(f"conversation:{bo.id}", "bo")
            await recado.notify(f"conversation:{ana.id}", "fire", priority="urgent")
            await channel.until(3)
            return [
                (str((each.activity or {}).get("text")), (each.arrived_at - begun) / MINUTE)
                for each in channel.requests
            ]

    told = simulate(scene)
    assert sorted(text for text, minutes in told if minutes < 0.1) == ["bo", "fire"]
    assert told[-1][0] == "ana"
    assert 3 <= told[-1][1] < 3.01


MINUTE = timedelta(minutes=1)


def test_the_recommended_profile_in_a_whole_recado() -> None:
    """A burst is told one a minute; where the settings say something else of caps, that holds."""

    async def scene(clock: HandClock) -> list[float]:
        channel = SimulatedChannel(clock)
        async with wired(channel, politeness="recommended", caps={"prices": "2/4min"}) as recado:
            begun = clock.now()
            ana = await channel.meet(recado, "ana")
            for n in range(4):
                to = f"conversation:{ana.id}"
                await recado.notify(to, str(n), category="prices" if n < 3 else "news")
            await channel.until(4)
            return [(each.arrived_at - begun) / MINUTE for each in channel.requests]

    assert [round(minutes, 1) for minutes in simulate(scene)] == [0, 1, 2, 4]
