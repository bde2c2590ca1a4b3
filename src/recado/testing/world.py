"""What a channel knows: conversations, who is in them, what was said, teams, attachments."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from recado.testing.calls import thread_of
from recado.testing.faults import Fault

Kind = Literal["personal", "groupChat", "channel"]


@dataclass(slots=True, kw_only=True)
class Said:
    """One activity as it stands now.

    Attributes:
        id: the channel's id for it.
        conversation: where it stands.
        activity: its present content.
        history: its former contents, oldest first.
        deleted: whether it was removed; its content stays for tests to see.
    """

    id: str
    conversation: str
    activity: Mapping[str, Any]
    history: list[Mapping[str, Any]] = field(default_factory=list)
    deleted: bool = False

    @property
    def text(self) -> str:
        """Its present text, empty if it has none."""
        return str(self.activity.get("text") or "")

    @property
    def edited(self) -> bool:
        """Whether it was changed."""
        return bool(self.history)


@dataclass(slots=True, kw_only=True)
class Room:
    """One conversation.

    Attributes:
        id: its id.
        kind: what Teams calls its type.
        tenant: its directory tenant; None on channels that have none.
        members: who is in it, without the bot, as channel accounts.
        said: what the bot said in it, by activity id, in order.
        refusal: what every request to it is answered with, while the bot is not wanted there.
        team: the team it is a channel of.
        name: its name.
    """

    id: str
    kind: Kind = "personal"
    tenant: str | None = None
    members: list[dict[str, Any]] = field(default_factory=list)
    said: dict[str, Said] = field(default_factory=dict)
    refusal: Fault | None = None
    team: str | None = None
    name: str | None = None

    @property
    def account(self) -> dict[str, Any]:
        """It as it stands in activities."""
        told: dict[str, Any] = {"id": self.id, "conversationType": self.kind}
        if self.kind != "personal":
            told["isGroup"] = True
        if self.tenant is not None:
            told["tenantId"] = self.tenant
        if self.name is not None and self.kind != "personal":
            told["name"] = self.name
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team: its id is that of its general channel."""

    id: str
    name: str
    tenant: str | None
    channels: tuple[tuple[str, str], ...]
    aad_group_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One file a bot uploaded."""

    name: str | None
    type: str | None
    views: Mapping[str, bytes]


def person(
    user_id: str, name: str | None = None, *, tenant: str | None = None, **more: Any
) -> dict[str, Any]:
    """A channel account with what Teams tells of a person.

    Args:
        user_id: ``29:…``.
        name: made from the id when left out.
        tenant: the person's tenant.
        more: further fields, such as ``email`` or ``aadObjectId``, which are made up otherwise.
    """
    plain = user_id.partition(":")[2] or user_id
    told: dict[str, Any] = {
        "id": user_id,
        "name": name or plain.capitalize(),
        "aadObjectId": _aad_id(user_id),
        "userPrincipalName": f"{plain}@example.com",
        "email": f"{plain}@example.com",
    }
    if tenant is not None:
        told["tenantId"] = tenant
    return told | more


def _aad_id(user_id: str) -> str:
    digest = hashlib.sha256(user_id.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


class World:
    """Everything the channel knows.

    Args:
        strict: whether conversations nobody told it of are unknown. Otherwise they begin to
            exist when they are first spoken in.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.rooms: dict[str, Room] = {}
        #: The private chat of each person, by either of the person's ids.
        self._private: dict[str, Room] = {}
        self.teams: dict[str, Team] = {}
        self.attachments: dict[str, Attachment] = {}
        #: People a private chat cannot be begun with: the bot is not installed for them.
        self.not_installed: set[str] = set()

    def room(self, conversation: str) -> Room | None:
        """A conversation, threads of a known channel included; None if there is none."""
        found = self.rooms.get(conversation)
        if found is not None:
            return found
        channel = self.rooms.get(thread_of(conversation))
        if channel is None and self.strict:
            return None
        return self._begin(conversation, channel)

    def refusal_of(self, conversation: str | None) -> Fault | None:
        """What requests to a conversation are answered with, if the bot is not wanted there."""
        for name in (conversation or "", thread_of(conversation or "")):
            room = self.rooms.get(name)
            if room is not None and room.refusal is not None:
                return room.refusal
        return None

    def _begin(self, conversation: str, channel: Room | None) -> Room:
        if channel is None:
            room = Room(id=conversation, kind=_kind_of(conversation))
        else:
            room = Room(
                id=conversation,
                kind=channel.kind,
                tenant=channel.tenant,
                members=channel.members,
                team=channel.team,
                name=channel.name,
            )
        self.rooms[conversation] = room
        return room

    def tenant_of(self, conversation: str | None, body: Mapping[str, Any]) -> str:
        """The tenant a request belongs to, from what is known or from what came with it."""
        known = self.rooms.get(conversation or "") or self.rooms.get(thread_of(conversation or ""))
        if known is not None and known.tenant is not None:
            return known.tenant
        told = tenant_in(body)
        if known is not None and told:
            known.tenant = told
        return told

    def add(self, room: Room) -> Room:
        """Let a conversation exist."""
        self.rooms[room.id] = room
        if room.kind == "personal" and room.members:
            for name in ("id", "aadObjectId"):
                if room.members[0].get(name):
                    self._private.setdefault(room.members[0][name], room)
        return room

    def private_chat(self, user: Mapping[str, Any], tenant: str | None, *, anew: str = "") -> Room:
        """The chat with one person: always the same, unless *anew* says which session it is."""
        known = self._private.get(user["id"])
        if known is not None and not anew:
            return known
        digest = hashlib.sha256(f"{tenant}/{user['id']}/{anew}".encode()).digest()
        name = "a:1" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
        members = known.members if known is not None else [dict(user)]
        return self.add(Room(id=name, tenant=tenant, members=members))

    def attach(self, told: Mapping[str, Any], attachment_id: str) -> None:
        """Keep an uploaded file."""
        views = {
            view: base64.b64decode(str(told[key]), validate=False)
            for view, key in (("original", "originalBase64"), ("thumbnail", "thumbnailBase64"))
            if told.get(key)
        }
        self.attachments[attachment_id] = Attachment(
            name=told.get("name"), type=told.get("type"), views=views
        )


def tenant_in(body: Mapping[str, Any]) -> str:
    """The tenant a body names, wherever channels and bots write it; empty if nowhere."""
    data = body.get("channelData")
    tenant = data.get("tenant") if isinstance(data, dict) else None
    conversation = body.get("conversation")
    for place, key in ((body, "tenantId"), (conversation, "tenantId"), (tenant, "id")):
        if isinstance(place, Mapping) and isinstance(place.get(key), str):
            return str(place[key])
    return ""


def _kind_of(conversation: str) -> Kind:
    if "@thread.tacv2" in conversation or "@thread.skype" in conversation:
        return "channel"
    return "groupChat" if "@thread.v2" in conversation else "personal"
