"""What a sighting changes: the rules of capture, without a database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.audit import AuditKind, Teller
from recado.domain.health import ENDED
from recado.domain.reference import Health, Member, Presence
from recado.domain.sighting import FIELDS, first, people, refresh
from recado.testing import START, make_sighting

LATER = START + timedelta(seconds=1)
URL = "https://smba.trafficmanager.net/emea/"


def known(**changes: Any) -> dict[str, Any]:
    """What is stored after the first sighting, but for what *changes* says."""
    return first(make_sighting()) | changes


# -- fields ----------------------------------------------------------------------------------


def test_a_first_sighting_fills_every_field() -> None:
    """What it does not say is blank, so that a store can write the whole row."""
    told = first(make_sighting(service_url="", is_group=None, agent=None, raw={}))
    assert tuple(told) == FIELDS
    assert (told["service_url"], told["is_group"], told["agent"], told["raw"]) == (
        "",
        False,
        None,
        "{}",
    )
    assert told["health"] == Health.ACTIVE


def test_the_same_again_is_nothing_new() -> None:
    """Nothing is written but the time."""
    told = refresh(known(), make_sighting(at=LATER), last_seen=START)
    assert not told.fields
    assert not told.notes
    assert (told.returned, told.left, told.offers, told.readdressed) == (False,) * 4


def test_flags_compare_as_databases_store_them() -> None:
    """0 and False are the same."""
    assert not refresh(known(is_group=0), make_sighting(at=LATER), last_seen=START).fields


@pytest.mark.parametrize(
    ("told", "readdressed"),
    [
        ({"name": "New"}, True),
        ({"agent": {"id": "28:other"}}, True),
        ({"tenant_id": "other"}, True),
        ({"locale": "es"}, False),
        ({"service_url": "https://b/"}, False),
        ({"raw": {"x": 1}}, False),
    ],
    ids=str,
)
def test_what_goes_out_is_addressed_anew_only_when_it_has_to_be(
    told: dict[str, Any], *, readdressed: bool
) -> None:
    """Who speaks, and where; not in which language."""
    found = refresh(known(), make_sighting(at=LATER, **told), last_seen=START)
    assert found.fields.keys() >= told.keys()
    assert found.readdressed is readdressed


def test_an_older_sighting_fills_gaps_only() -> None:
    """And tells neither health nor where the conversation is."""
    stored = known(service_url="", locale=None, name="New", health="blocked")
    sighting = make_sighting(
        at=START, locale="es", name="Old", service_url=URL, presence=Presence.LEFT
    )
    told = refresh(stored, sighting, last_seen=LATER)
    assert told.fields == {"service_url": URL, "locale": "es"}
    assert (told.notes, told.returned, told.left, told.offers) == ((), False, False, False)


# -- health ----------------------------------------------------------------------------------


@pytest.mark.parametrize("before", list(Health))
@pytest.mark.parametrize("presence", list(Presence))
def test_what_presence_makes_of_health(before: Health, presence: Presence) -> None:
    """Somebody is there, the bot is not, or the conversation has ended."""
    after = {
        Presence.HERE: Health.ACTIVE,
        Presence.LEFT: Health.UNINSTALLED,
        # Why nobody could be spoken to before is the better reason.
        Presence.ENDED: Health.GONE if before.reachable else before,
        # Whoever kept a reference does not know what has become of it since.
        Presence.KEPT: before,
        Presence.UNHEARD: before,
    }[presence]
    stored = known(health=str(before), health_reason="told" if before.reachable else "removed")
    told = refresh(stored, make_sighting(at=LATER, presence=presence), last_seen=START)
    assert Health(told.fields.get("health", before)) is after
    assert told.returned is (after.reachable and not before.reachable)
    assert told.left is (after is not before and not after.reachable)
    about = [note.detail for note in told.notes if note.kind is AuditKind.HEALTH]
    assert len(about) == (after is not before)
    for detail in about:
        assert (detail["before"], detail["after"]) == (before, after)
        assert detail["by"] == Teller.ACTIVITY


def test_an_ended_conversation_says_why() -> None:
    """Another service URL would not mend it."""
    told = refresh(known(), make_sighting(at=LATER, presence=Presence.ENDED), last_seen=START)
    assert told.fields["health_reason"] == ENDED


# -- where it is -----------------------------------------------------------------------------


def test_a_new_service_url_is_offered_and_audited() -> None:
    """With the one before."""
    told = refresh(known(), make_sighting(at=LATER, service_url="https://b/"), last_seen=START)
    assert told.offers
    (note,) = told.notes
    assert note.kind is AuditKind.SERVICE_URL
    assert (note.detail["before"], note.detail["after"]) == (URL, "https://b/")


def test_the_first_service_url_replaces_none() -> None:
    """There is nothing to audit."""
    told = refresh(known(service_url=""), make_sighting(at=LATER), last_seen=START)
    assert told.offers
    assert told.notes == ()


def test_the_channels_word_ends_the_trial_of_another() -> None:
    """Also when it names the one in use."""
    told = refresh(known(former_url="https://old/"), make_sighting(at=LATER), last_seen=START)
    assert told.fields == {"former_url": None}
    silent = make_sighting(at=LATER, service_url="")
    assert not refresh(known(former_url="https://old/"), silent, last_seen=START).fields


# -- people ----------------------------------------------------------------------------------

ANA = Member(user_id="29:ana", name="Ana", aad_object_id="oid", last_seen=START)


def test_who_is_new() -> None:
    """Is stored as told, the e-mail as it is compared."""
    told = Member(user_id="29:j", name="J", email="JOSÉ@Example.com")
    found = people({}, make_sighting(members=(told,)))
    (met,) = found.met
    assert (met.name, met.email, met.last_seen) == ("J", "josé@example.com", START)
    assert found.changed


def test_who_is_known_keeps_what_is_not_said() -> None:
    """And nothing has changed."""
    found = people({"29:ana": ANA}, make_sighting(at=LATER, members=(Member(user_id="29:ana"),)))
    (met,) = found.met
    assert (met.name, met.aad_object_id, met.last_seen) == ("Ana", "oid", LATER)
    assert not found.changed


@pytest.mark.parametrize(("at", "gone"), [(START, True), (LATER, True), (None, False)])
def test_who_departs_is_removed_unless_seen_later(at: Any, *, gone: bool) -> None:
    """A goodbye that arrives late says nothing."""
    at = at or START - timedelta(seconds=1)
    found = people({"29:ana": ANA}, make_sighting(at=at, members=(), departed=("29:ana", "29:x")))
    assert found.departed == (("29:ana",) if gone else ())
    assert found.changed is gone


_NAMES = st.none() | st.sampled_from(["Ana", "Ann", "broken \ud83d"])
_MEMBERS = st.builds(
    Member, user_id=st.sampled_from(["29:a", "29:b"]), name=_NAMES, aad_object_id=_NAMES
)


@given(
    said=st.lists(
        st.tuples(st.integers(0, 3), st.lists(_MEMBERS, max_size=3)), min_size=1, max_size=6
    )
)
def test_what_is_known_of_people_grows(said: list[tuple[int, list[Member]]]) -> None:
    """Nothing is forgotten, the latest word counts, and time does not run backwards."""
    stored: dict[str, Member] = {}
    for second, members in said:
        at = START + timedelta(seconds=second)
        before = dict(stored)
        sighting = make_sighting(at=at, members=tuple(members))
        found = people(stored, sighting)
        stored |= {met.user_id: met for met in found.met}
        for user_id, old in before.items():
            new = stored[user_id]
            assert old.last_seen is not None
            assert new.last_seen is not None
            assert new.last_seen >= old.last_seen
            assert new.name or not old.name
        for told in members:
            if told.name and before.get(told.user_id) is None and len(members) == 1:
                assert stored[told.user_id].name == told.name.replace("\ud83d", "?")
        # The same once more changes nothing.
        assert not people(stored, sighting).changed or len(members) > 1
