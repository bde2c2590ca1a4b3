"""Probes: what an answer nobody in the conversation sees says about its health."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from recado.domain.health import ENDED
from recado.domain.policy import Answer, Failure, RetryPolicy
from recado.domain.probe import judge
from recado.domain.reference import ConversationKey, Health, Reference
from recado.testing import START

POLICY = RetryPolicy()
NOT_FOUND = Answer(status=404, code="ConversationNotFound")


def reference(health: Health = Health.ACTIVE, reason: str | None = None) -> Reference:
    """A conversation that has had that health since the start."""
    return Reference(
        number=1,
        id="r",
        key=ConversationKey(bot="local", channel="msteams", conversation_id="a:1"),
        service_url="https://x/",
        first_seen=START,
        last_seen=START,
        health=health,
        health_reason=reason,
        health_since=START,
    )


@pytest.mark.parametrize("health", list(Health))
def test_being_known_mends_what_was_in_doubt_only(health: Health) -> None:
    """Who blocked the bot is on the roster all the same."""
    mended = health in (Health.SUSPECT, Health.GONE)
    found = judge(Answer(status=200), reference(health), START, POLICY)
    assert found == (Health.ACTIVE if mended else None, None)


def test_what_was_ended_stays_ended() -> None:
    """Until the user returns."""
    assert judge(Answer(status=200), reference(Health.GONE, ENDED), START, POLICY) == (None, None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Health.ACTIVE, Health.SUSPECT),
        (Health.SUSPECT, Health.SUSPECT),
        (Health.BLOCKED, None),
        (Health.GONE, None),
    ],
)
def test_not_found_once_is_a_suspicion(before: Health, after: Health | None) -> None:
    """It often heals; and it is no improvement."""
    assert judge(NOT_FOUND, reference(before), START, POLICY) == (after, "ConversationNotFound")


def test_not_found_for_hours_is_believed() -> None:
    """As it is for deliveries."""
    over = START + POLICY.not_found_over
    suspect = reference(Health.SUSPECT)
    assert judge(NOT_FOUND, suspect, over, POLICY)[0] is Health.GONE
    assert judge(NOT_FOUND, suspect, over - timedelta(seconds=1), POLICY)[0] is Health.SUSPECT


@pytest.mark.parametrize(
    ("told", "health"),
    [
        ({"status": 403, "code": "BotNotInConversationRoster"}, Health.UNINSTALLED),
        ({"status": 403, "code": "ConversationBlockedByUser"}, Health.BLOCKED),
        ({"status": 403, "code": "BotDisabledByAdmin"}, Health.POLICY),
        ({"status": 401}, None),
        ({"status": 405}, None),
        ({"status": 429, "retry_after": 60.0}, None),
        ({"status": 503}, None),
        ({"failure": Failure.NOT_SENT}, None),
        ({"failure": Failure.AMBIGUOUS}, None),
    ],
    ids=str,
)
def test_the_channels_word_counts_as_for_deliveries(
    told: dict[str, Any], health: Health | None
) -> None:
    """The same table decides; what is the bot's or the moment's fault is not the conversation's."""
    assert judge(Answer(**told), reference(), START, POLICY)[0] is health
