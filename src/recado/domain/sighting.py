"""What a sighting changes: the rules of capture, the same in every store.

A store reads what it knows, asks :func:`refresh` and :func:`people`, and writes what they say.
Fields are named as in :class:`~recado.domain.reference.Reference`. The bot's account and the raw
reference are JSON text here: it is compared without being parsed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from recado.domain.audit import Note, Teller, health_note, service_url_note
from recado.domain.health import ENDED
from recado.domain.reference import Health, Member, Presence, Sighting, fold_email
from recado.domain.text import clean, json_text

#: What the address that goes out is made of, besides people.
_ADDRESS: Final = frozenset({"tenant_id", "conversation_type", "is_group", "name", "agent"})

#: What is told by others than the conversation itself.
_HEARSAY: Final = frozenset({Presence.KEPT, Presence.UNHEARD})

#: A new reference's fields where its first sighting says nothing.
_BLANK: Final[Mapping[str, Any]] = {
    "service_url": "",
    "former_url": None,
    "tenant_id": None,
    "conversation_type": None,
    "is_group": False,
    "name": None,
    "locale": None,
    "timezone": None,
    "agent": None,
    "health": str(Health.ACTIVE),
    "health_reason": None,
    "raw": "{}",
}

#: Every field a sighting may change.
FIELDS: Final = tuple(_BLANK)


class Fields(Protocol):
    """Stored fields by name: a row of whichever database."""

    def __getitem__(self, name: str, /) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """What a sighting makes of a conversation that is known."""

    #: New values by field; empty when it tells nothing new.
    fields: Mapping[str, Any]
    #: Deliveries that waited for the conversation may leave.
    returned: bool = False
    #: What stands in its lane has to wait for its return.
    left: bool = False
    #: The service URL is one others in its tenant may not know yet.
    offers: bool = False
    #: What goes into the audit.
    notes: tuple[Note, ...] = ()

    @property
    def readdressed(self) -> bool:
        """Whether what goes out has to be addressed anew."""
        return not _ADDRESS.isdisjoint(self.fields)


def first(sighting: Sighting) -> dict[str, Any]:
    """The fields of a new reference."""
    return {**_BLANK, **_told(sighting), **_presence(_BLANK["health"], sighting)}


def refresh(known: Fields, sighting: Sighting, *, last_seen: datetime) -> Refresh:
    """What *sighting* changes in a reference.

    Activities may arrive out of order: an older one fills gaps but overwrites nothing, and what
    has become of the conversation since is not its to tell. So does what another program has
    kept: it is older than anything that is known here.

    Args:
        known: the stored :data:`FIELDS`.
        sighting: what came in.
        last_seen: when the conversation was seen last, as far as is stored.
    """
    told = _told(sighting)
    if sighting.at < last_seen or sighting.presence in _HEARSAY:
        gaps = {name for name in told if known[name] in (None, "", "{}")}
        return Refresh(fields={name: told[name] for name in gaps})
    told |= _presence(known["health"], sighting)
    if "service_url" in told:
        told["former_url"] = None  # the channel itself says which one is right
    fields = {name: value for name, value in told.items() if known[name] != value}
    if not fields:
        return _NOTHING_NEW
    before, after = Health(known["health"]), Health(fields.get("health", known["health"]))
    return Refresh(
        fields=fields,
        returned=after.reachable and not before.reachable,
        left=after is not before and not after.reachable,
        offers=not {"service_url", "tenant_id"}.isdisjoint(fields),
        notes=tuple(_notes(known, fields)),
    )


_NOTHING_NEW: Final = Refresh(fields={})


def _notes(known: Fields, fields: Mapping[str, Any]) -> Iterator[Note]:
    """What the audit is told of new values."""
    if "health" in fields:
        before, after = Health(known["health"]), Health(fields["health"])
        reason = fields.get("health_reason")
        yield health_note(before, after, reason=reason, by=Teller.ACTIVITY)
    if "service_url" in fields and known["service_url"]:
        before_url, after_url = known["service_url"], fields["service_url"]
        yield service_url_note(before_url, after_url, reason=None, by=Teller.ACTIVITY)


def _told(sighting: Sighting) -> dict[str, Any]:
    """The fields a sighting has something to say about."""
    told = {
        "service_url": sighting.service_url or None,
        "tenant_id": clean(sighting.tenant_id),
        "conversation_type": clean(sighting.conversation_type),
        "is_group": sighting.is_group,
        "name": clean(sighting.name),
        "locale": clean(sighting.locale),
        "timezone": clean(sighting.timezone),
        "agent": None if sighting.agent is None else json_text(sighting.agent),
        "raw": json_text(sighting.raw) if sighting.raw else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _presence(before: str, sighting: Sighting) -> dict[str, Any]:
    match sighting.presence:
        case Presence.HERE:
            return {"health": str(Health.ACTIVE), "health_reason": None}
        case Presence.LEFT:
            return {"health": str(Health.UNINSTALLED), "health_reason": "removed"}
        case Presence.KEPT | Presence.UNHEARD:
            return {}
        case Presence.ENDED:
            # Where nobody could be spoken to before, the better-known reason stays.
            if not Health(before).reachable:
                return {}
            return {"health": str(Health.GONE), "health_reason": ENDED}


# -- people ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """What a sighting makes of those in a conversation."""

    #: To be stored, whether they are new or known.
    met: tuple[Member, ...]
    #: User ids of those to be removed.
    departed: tuple[str, ...]
    #: Whether who is there, or what they are called, has changed.
    changed: bool


def people(known: Mapping[str, Member], sighting: Sighting) -> People:
    """Those who are there, and those who are there no longer.

    What an activity does not say about a person stays as it was; an older one fills gaps only,
    and does not remove who was seen later.

    Args:
        known: by user id, those the sighting names and the store has.
        sighting: what came in.
    """
    there = dict(known)
    changed = False
    for told in sighting.members:
        met = _met(there.get(told.user_id), told, sighting.at)
        changed = changed or _account(met) != _account(there.get(told.user_id))
        there[told.user_id] = met
    departed = tuple(
        user_id
        for user_id in sighting.departed
        if user_id in there and not _seen_after(there[user_id], sighting.at)
    )
    named = dict.fromkeys(told.user_id for told in sighting.members)
    return People(
        met=tuple(there[user_id] for user_id in named if user_id not in departed),
        departed=tuple(user_id for user_id in departed if user_id in known),
        changed=changed or bool(departed),
    )


def _met(known: Member | None, told: Member, at: datetime) -> Member:
    email = clean(fold_email(told.email)) if told.email else None
    fresh = Member(
        user_id=told.user_id,
        name=clean(told.name),
        aad_object_id=clean(told.aad_object_id),
        email=email,
        last_seen=at,
    )
    if known is None:
        return fresh
    newer, older = (known, fresh) if _seen_after(known, at) else (fresh, known)
    return Member(
        user_id=told.user_id,
        name=newer.name or older.name,
        aad_object_id=newer.aad_object_id or older.aad_object_id,
        email=newer.email or older.email,
        last_seen=newer.last_seen,
    )


def _seen_after(member: Member, at: datetime) -> bool:
    return member.last_seen is not None and member.last_seen > at


def _account(member: Member | None) -> tuple[str | None, str | None] | None:
    return None if member is None else (member.name, member.aad_object_id)
