"""Health: which answers may mean another place, and which place is tried next."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.domain.audit import Teller
from recado.domain.health import ENDED, Direction, Finding, Offer, misdirected, redirect
from recado.domain.reference import Health
from recado.testing import START

OLD, NEW, NEWER = "https://old/", "https://new/", "https://newer/"


def at(seconds: int) -> Any:
    """That many seconds after the start."""
    return START + timedelta(seconds=seconds)


def direction(url: str = OLD, former: str | None = None, seen: int = 0, **more: Any) -> Direction:
    """A conversation that was seen there at that second."""
    return Direction(service_url=url, former_url=former, last_seen=at(seen), **more)


@pytest.mark.parametrize(
    ("status", "code", "reason", "may_be"),
    [
        (404, "ConversationNotFound", "ConversationNotFound", True),
        (404, None, "not_found", True),
        (410, None, "not_found", True),
        (404, "ActivityNotFoundInConversation", "ActivityNotFoundInConversation", False),
        (403, "InvalidBotApiHost", "InvalidBotApiHost", True),
        (403, "ConversationBlockedByUser", "ConversationBlockedByUser", False),
        (403, None, "forbidden", False),
        (429, None, "http_429", False),
        (503, None, "http_503", False),
        (None, None, "not_sent", True),
        (None, None, "no_answer", False),
        (None, None, "no_token", False),
    ],
)
def test_which_answers_may_mean_another_place(
    status: int | None, code: str | None, reason: str, *, may_be: bool
) -> None:
    """It is not found, not this cloud's, or nobody is there at all."""
    assert misdirected(status, code, reason) is may_be


def test_a_newer_service_url_is_tried() -> None:
    """And the old one is kept, for nobody knows yet which is right."""
    found = redirect(direction(), Offer(service_url=NEW, seen_at=at(1)))
    assert found is not None
    assert (found.service_url, found.former_url, found.offered) == (NEW, OLD, True)


@pytest.mark.parametrize(
    ("where", "offer"),
    [
        (direction(), None),
        (direction(), Offer(service_url=OLD, seen_at=at(1))),
        (direction(seen=1), Offer(service_url=NEW, seen_at=at(1))),
        (direction(seen=2), Offer(service_url=NEW, seen_at=at(1))),
    ],
    ids=["none", "the same", "seen as late", "seen later"],
)
def test_where_nothing_newer_is_known_it_stays(where: Direction, offer: Offer | None) -> None:
    """What a conversation has told itself since counts for more."""
    assert redirect(where, offer) is None


def test_two_that_fail_take_turns() -> None:
    """Until one proves right; what was tried is not offered again."""
    offer = Offer(service_url=NEW, seen_at=at(1))
    back = redirect(direction(NEW, OLD), offer)
    assert back is not None
    assert (back.service_url, back.former_url, back.offered) == (OLD, NEW, False)
    forth = redirect(direction(OLD, NEW), offer)
    assert forth is not None
    assert (forth.service_url, forth.offered) == (NEW, False)


def test_a_third_one_is_tried_too() -> None:
    """The scope may move twice while nobody writes."""
    found = redirect(direction(NEW, OLD), Offer(service_url=NEWER, seen_at=at(2)))
    assert found is not None
    assert (found.service_url, found.former_url, found.offered) == (NEWER, NEW, True)


_URLS = st.sampled_from([OLD, NEW, NEWER])


@given(
    where=st.builds(
        Direction,
        service_url=_URLS,
        former_url=st.none() | _URLS,
        last_seen=st.integers(0, 3).map(at),
    ),
    offer=st.none() | st.builds(Offer, service_url=_URLS, seen_at=st.integers(0, 3).map(at)),
)
def test_every_redirect_leads_back(where: Direction, offer: Offer | None) -> None:
    """No service URL a conversation has told is lost while it is tried elsewhere."""
    found = redirect(where, offer)
    if found is not None:
        assert found.former_url == where.service_url
        assert found.service_url in {where.former_url, offer and offer.service_url}


@pytest.mark.parametrize(
    ("health", "reason", "strayed"),
    [
        (Health.GONE, "ConversationNotFound", True),
        (Health.GONE, ENDED, False),
        (Health.GONE, "conversation_id_not_decrypted", False),
        (Health.BLOCKED, "forbidden", False),
        (Health.SUSPECT, "not_found", False),
    ],
)
def test_who_may_have_strayed(health: Health, reason: str, *, strayed: bool) -> None:
    """Who is gone because nothing was found there, not who has ended it or blocked the bot."""
    assert direction(health=health, health_reason=reason).strayed is strayed


def test_a_finding_may_say_nothing() -> None:
    """Then no store need be asked."""
    told: dict[str, Any] = {
        "by": Teller.PROBE,
        "service_url": OLD,
        "asked_at": START,
        "answered_at": START,
    }
    assert not Finding(**told, reason="http_503").telling
    assert Finding(**told, health=Health.ACTIVE).telling
    assert Finding(**told, elsewhere=NEW).telling
    assert Finding(**told, misdirected=True).telling
