"""What a probe says: a question to the channel that nobody in the conversation sees.

That the channel knows the conversation proves less than a delivery does: who has blocked the bot
is still on its roster. So a probe mends only what was in doubt, and believes the rest.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime

from recado.domain.delivery import OnUnknown
from recado.domain.health import ENDED
from recado.domain.policy import Answer, Facts, Hold, Reject, Retry, RetryPolicy, decide
from recado.domain.reference import Health, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What became of a reference that was probed."""

    reference_id: str
    before: Health
    after: Health
    #: The evidence in a word, if the channel refused.
    reason: str | None
    #: HTTP status; None when no answer arrived.
    status: int | None


def judge(
    answer: Answer, reference: Reference, now: datetime, policy: RetryPolicy
) -> tuple[Health | None, str | None]:
    """The health an answer to a probe speaks for, and why; None when it says nothing new.

    Args:
        answer: the channel's.
        reference: as it was when it was asked about.
        now: when the answer came.
        policy: for how long a conversation that is not found may heal.
    """
    if answer.ok:
        doubtful = reference.health in (Health.SUSPECT, Health.GONE)
        mended = doubtful and reference.health_reason != ENDED
        return (Health.ACTIVE if mended else None), None
    since = reference.health_since
    over = (
        reference.health is Health.SUSPECT
        and since is not None
        and now >= since + policy.not_found_over
    )
    facts = Facts(
        answer=answer,
        attempts=1,
        tried_since=now,
        head_since=now,
        now=now,
        on_unknown=OnUnknown.RETRY,
        # A probe has no ladder of its own: what is in doubt for as long as it lasts is believed.
        strikes=policy.not_found_attempts if over else 1,
    )
    match decide(facts, policy, random.Random(0)):  # noqa: S311 - the delay is not looked at
        case Retry(reason=reason, health=health) | Hold(because=reason, health=health):
            if health is Health.SUSPECT and not reference.health.reachable:
                return None, reason  # it is known to be worse
            return health, reason
        case Reject(reason=reason):
            return None, reason
    return None, None
