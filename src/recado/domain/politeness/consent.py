"""Consent: whether its recipient allows what is about to be said.

For everything, and for each kind of message, the newest record counts, under whichever of the
person's names it stands. A no to everything ends every yes before it. A yes to everything ends no
refusal of one kind: who has said "no more prices" and later agrees to be spoken to has not asked
for prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from recado.domain.consent import Fact, Said
from recado.domain.delivery import HeldReason
from recado.domain.politeness.chain import Link
from recado.domain.politeness.stop import Hold, Stop, Suppress
from recado.domain.times import moment

#: Why something was not said; with a category, ``opted_out_of:<category>``.
OPTED_OUT: Final = "opted_out"
OPTED_OUT_OF: Final = "opted_out_of:"


def holding(facts: Iterable[Fact], category: str | None) -> Fact | None:
    """What holds for a kind of message: ``in`` or ``out``, and since when; None without a word."""
    said = [each for each in facts if each.said in (Said.IN, Said.OUT)]
    general = _newest(each for each in said if each.category is None)
    own = None
    if category is not None:
        own = _newest(each for each in said if each.category == category)
    if own is None or general is None:
        return own or general
    if own.said is Said.OUT and general.said is Said.IN:
        return own
    return own if own.at >= general.at else general


def muted(facts: Iterable[Fact], category: str | None, now: datetime) -> Fact | None:
    """The wish not to be spoken to for a while that lasts longest; None if there is none."""
    silence = [each for each in facts if each.said in (Said.MUTE, Said.UNMUTE)]
    scopes = {None, category}
    newest = [_newest(each for each in silence if each.category == scope) for scope in scopes]
    ended = _newest(each for each in silence if each.said is Said.UNMUTE and each.category is None)
    lasting = [
        each
        for each in newest
        if each is not None
        and each.said is Said.MUTE
        and each.until is not None
        and each.until > now
        and (ended is None or ended.at <= each.at)
    ]
    return max(lasting, key=lambda each: each.until or now, default=None)


def decide(
    facts: Sequence[Fact], *, category: str | None, asked_at: datetime | None, now: datetime
) -> Stop | None:
    """What becomes of something that is about to be said; None if it may be.

    How urgent it is does not matter: that is the sender's opinion, and this is the recipient's.

    Args:
        facts: what the recipient has said, and the group it goes to.
        category: what kind of message it is.
        asked_at: since when its recipient has asked for it. A refusal, or a wish for silence, from
            before is not about it.
        now: the present instant.
    """
    consent = holding(facts, category)
    if consent is not None and consent.said is Said.OUT and not _before(consent, asked_at):
        of = consent.category
        return Suppress(OPTED_OUT if of is None else f"{OPTED_OUT_OF}{of}")
    silence = muted(facts, category, now)
    if silence is not None and not _before(silence, asked_at):
        return Hold(HeldReason.WINDOW, silence.until)
    return None


def tell(
    facts: Sequence[Fact], *, category: str | None, asked_at: datetime | None, now: datetime
) -> Link | None:
    """The same in words, for those who ask why something waits."""
    stop = decide(facts, category=category, asked_at=asked_at, now=now)
    consent = holding(facts, category)
    silence = muted(facts, category, now)
    match stop:
        case Suppress() if consent is not None:
            what = "" if consent.category is None else f" of {consent.category!r}"
            said = f"Its recipient has opted out{what}: it ends when it is due."
            return Link(name="consent", holds=True, said=said, since=consent.at)
        case Hold() if silence is not None and silence.until is not None:
            until = moment(silence.until)
            said = f"Its recipient has asked for silence: it is muted until {until}."
            return Link(
                name="consent", holds=True, said=said, since=silence.at, until=silence.until
            )
        case _ if consent is not None and consent.said is Said.OUT:
            said = "Its recipient had opted out before they asked for it."
            return Link(name="consent", holds=False, said=said, since=consent.at)
        case _ if consent is not None:
            said = "Its recipient has agreed to it."
            return Link(name="consent", holds=False, said=said, since=consent.at)
        case _:
            return None


def _newest(facts: Iterable[Fact]) -> Fact | None:
    # Of two at the same instant a refusal counts, because it is the safer one.
    return max(facts, key=lambda each: (each.at, each.said in (Said.OUT, Said.MUTE)), default=None)


def _before(fact: Fact, asked_at: datetime | None) -> bool:
    return asked_at is not None and fact.at < asked_at
