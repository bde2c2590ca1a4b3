"""The Connector's routes, as functions of what the channel knows (protocol §2.1 to §2.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from recado.clock import Clock
from recado.testing import faults
from recado.testing.calls import Operation
from recado.testing.faults import Fault
from recado.testing.record import Record, Request
from recado.testing.world import Kind, Room, Said, World, person, tenant_in

#: Teams: about 100 KB, counted in UTF-16 ("Format your bot messages"; protocol §1.8).
_TEAMS_UNITS = 100 * 1024 // 2
#: Teams: the bounds of a page ("Get Teams specific context").
_PAGE = (50, 500)
#: Teams: most members the roster answers at once ("Rate limiting for bots").
_ROSTER = 10_000

#: How many activities of a conversation stay when nothing is kept.
_NEWEST = 20

#: Status and what is told: JSON, bytes, or nothing.
Told = tuple[int, Any]


class Refused(Exception):  # noqa: N818 - it is an answer and not an error
    """The channel does not do it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.name)
        self.fault = fault


class Operations:
    """What each operation does.

    Args:
        world: what the channel knows.
        record: where what was said is noted.
        clock: the time ids are made of.
        teams: whether Teams' own rules hold.
        sessions: whether each new private chat is a session of its own.
    """

    def __init__(
        self, world: World, record: Record, clock: Clock, *, teams: bool, sessions: bool
    ) -> None:
        self._world = world
        self._record = record
        self._clock = clock
        self._teams = teams
        self._sessions = sessions
        self._last_id = 0
        self._table: Mapping[Operation, Callable[[Request], Told]] = {
            Operation.CREATE: self._create,
            Operation.CONVERSATIONS: self._conversations,
            Operation.SEND: self._send,
            Operation.REPLY: self._send,
            Operation.UPDATE: self._update,
            Operation.DELETE: self._delete,
            Operation.HISTORY: self._history,
            Operation.MEMBERS: self._members,
            Operation.MEMBER: self._member,
            Operation.REMOVE_MEMBER: self._remove_member,
            Operation.PAGED_MEMBERS: self._paged_members,
            Operation.ACTIVITY_MEMBERS: self._activity_members,
            Operation.UPLOAD: self._upload,
            Operation.ATTACHMENT: self._attachment,
            Operation.VIEW: self._view,
            Operation.TEAM: self._team,
            Operation.TEAM_CHANNELS: self._team_channels,
        }

    def do(self, request: Request) -> Told:
        """Do what *request* wants.

        Raises:
            Refused: with the channel's answer.
        """
        do = self._table.get(request.asked.operation)
        if do is None:
            raise Refused(faults.error(404, "NotFound", f"There is no {request.asked.path}."))
        return do(request)

    # -- speaking ----------------------------------------------------------------------------

    def _send(self, request: Request) -> Told:
        room = self._room(request)
        self._check(request.activity)
        self._check_target(request, room)
        said = self._say(room, request.activity)
        request.activity_id = said.id
        return 201, {"id": said.id}

    def _update(self, request: Request) -> Told:
        said = self._said(request)
        self._check(request.activity)
        self._check_target(request, None)
        said.history.append(said.activity)
        said.activity = request.activity
        request.activity_id = said.id
        return 200, {"id": said.id}

    def _delete(self, request: Request) -> Told:
        self._said(request).deleted = True
        return 200, None

    def _history(self, request: Request) -> Told:
        room = self._room(request)
        activities = request.activity.get("activities")
        if not isinstance(activities, list):
            raise Refused(faults.error(400, "BadSyntax", "A transcript has activities."))
        for each in activities:
            request.activity_id = self._say(room, each).id
        return 201, {"id": request.activity_id} if request.activity_id else {}

    def _say(self, room: Room, activity: Mapping[str, Any]) -> Said:
        said = Said(id=self._new_id(), conversation=room.id, activity=activity)
        if activity.get("type") == "typing":
            return said  # it is shown, and nothing stays of it
        room.said[said.id] = said
        if not self._record.keep and len(room.said) > _NEWEST:
            del room.said[next(iter(room.said))]
        self._record.note_taken(room.id, activity)
        return said

    def _new_id(self) -> str:
        """An id as Teams makes them: milliseconds, and never the same again."""
        self._last_id = max(self._last_id + 1, int(self._clock.now().timestamp() * 1000))
        return str(self._last_id)

    def _check(self, activity: Mapping[str, Any]) -> None:
        if not isinstance(activity.get("type"), str):
            raise Refused(faults.error(400, "BadSyntax", "An activity has a type."))
        text = activity.get("text")
        if self._teams and isinstance(text, str):
            units = len(text.encode("utf-16-le", "surrogatepass")) // 2
            if units > _TEAMS_UNITS:
                raise Refused(faults.TOO_LARGE)

    def _check_target(self, request: Request, room: Room | None) -> None:
        """A message one person in a group sees names that person, and an edit of it nobody."""
        if request.asked.query.get("isTargetedActivity") != "true":
            return
        recipient = request.activity.get("recipient")
        named = recipient.get("id") if isinstance(recipient, dict) else None
        if (room is None) is (named is not None):
            raise Refused(faults.BAD_ARGUMENT)
        if room is not None and not any(each["id"] == named for each in room.members):
            raise Refused(faults.TARGET_NOT_IN_ROSTER)

    # -- conversations -----------------------------------------------------------------------

    def _create(self, request: Request) -> Told:
        body = request.activity
        members = [each for each in body.get("members") or () if isinstance(each, dict)]
        if any(not isinstance(each.get("id"), str) for each in members):
            raise Refused(faults.BAD_SYNTAX)
        if not self._teams:
            return self._create_anywhere(request, members)
        data = body.get("channelData")
        channel = data.get("channel") if isinstance(data, dict) else None
        if body.get("isGroup"):
            if isinstance(channel, dict) and isinstance(body.get("activity"), dict):
                return self._create_thread(request, str(channel.get("id")))
            raise Refused(faults.BAD_SYNTAX)  # group chats cannot be made by bots
        if len(members) != 1 or not tenant_in(body):
            raise Refused(faults.BAD_SYNTAX)
        return self._create_chat(request, members[0], tenant_in(body))

    def _create_chat(self, request: Request, user: dict[str, Any], tenant: str) -> Told:
        if user["id"] in self._world.not_installed:
            raise Refused(faults.NOT_INSTALLED)
        activity = request.activity.get("activity")
        if self._sessions:
            if not isinstance(activity, dict):
                raise Refused(faults.BAD_SYNTAX)
            room = self._world.private_chat(user, tenant, anew=self._new_id())
            said = self._say(room, activity)
            request.activity_id = said.id
            return 201, {"id": room.id, "activityId": said.id}
        room = self._world.private_chat(person(user["id"], tenant=tenant) | user, tenant)
        if room.refusal is not None:
            raise Refused(room.refusal)
        if isinstance(activity, dict):
            # It is said, also where the chat existed before, and no id is told.
            request.activity_id = self._say(room, activity).id
        return 201, {"id": room.id}

    def _create_thread(self, request: Request, channel: str) -> Told:
        parent = self._world.room(channel)
        if parent is None:
            raise Refused(faults.CONVERSATION_NOT_FOUND)
        if parent.refusal is not None:
            raise Refused(parent.refusal)
        activity = request.activity["activity"]
        self._check(activity)
        number = self._new_id()
        room = self._world.add(
            Room(
                id=f"{channel};messageid={number}",
                kind="channel",
                tenant=parent.tenant or tenant_in(request.activity) or None,
                members=parent.members,
                team=parent.team,
                name=parent.name,
            )
        )
        room.said[number] = Said(id=number, conversation=room.id, activity=activity)
        self._record.note_taken(room.id, activity)
        request.activity_id = number
        return 201, {"id": room.id, "activityId": number}

    def _create_anywhere(self, request: Request, members: list[dict[str, Any]]) -> Told:
        """Channels without rules of their own: every conversation is a new one."""
        tenant = tenant_in(request.activity) or None
        kind: Kind = "groupChat" if request.activity.get("isGroup") else "personal"
        room = Room(id=f"created-{self._new_id()}", kind=kind, tenant=tenant, members=members)
        self._world.rooms[room.id] = room
        told = {"id": room.id}
        if isinstance(request.activity.get("activity"), dict):
            said = self._say(room, request.activity["activity"])
            request.activity_id = told["activityId"] = said.id
        return 201, told

    def _conversations(self, request: Request) -> Told:
        if self._teams:
            raise Refused(faults.UNSUPPORTED)  # only Direct Line and Web Chat have it
        rooms = list(self._world.rooms.values())
        page, following = _page(rooms, request, 100)
        told = [{"id": each.id, "members": each.members} for each in page]
        return 200, {"conversations": told} | _continuation(following)

    def _room(self, request: Request) -> Room:
        room = self._world.room(request.conversation or "")
        if room is None:
            raise Refused(faults.CONVERSATION_NOT_FOUND)
        return room

    def _said(self, request: Request) -> Said:
        said = self._room(request).said.get(request.asked.part or "")
        if said is None or said.deleted:
            raise Refused(faults.ACTIVITY_NOT_FOUND)
        return said

    # -- members -----------------------------------------------------------------------------

    def _members(self, request: Request) -> Told:
        return 200, self._room(request).members[:_ROSTER]

    def _activity_members(self, request: Request) -> Told:
        self._said(request)
        return self._members(request)

    def _member(self, request: Request) -> Told:
        for each in self._room(request).members:
            if request.asked.part in (each.get("id"), each.get("aadObjectId")):
                return 200, each
        raise Refused(faults.error(404, "MemberNotFoundInConversation", "Nobody has that id."))

    def _remove_member(self, request: Request) -> Told:
        _, member = self._member(request)
        self._room(request).members.remove(member)
        return 204, None

    def _paged_members(self, request: Request) -> Told:
        asked = request.asked.query.get("pageSize", "")
        size = int(asked) if asked.isascii() and asked.isdigit() else _PAGE[1]
        size = min(max(size, _PAGE[0]), _PAGE[1]) if self._teams else max(size, 1)
        page, following = _page(self._room(request).members, request, size)
        return 200, {"members": page} | _continuation(following)

    # -- attachments and teams ---------------------------------------------------------------

    def _upload(self, request: Request) -> Told:
        self._room(request)
        name = f"attachment-{self._new_id()}"
        try:
            self._world.attach(request.activity, name)
        except ValueError:
            raise Refused(faults.error(400, "BadSyntax", "It is not written in base64.")) from None
        return 201, {"id": name}

    def _attachment(self, request: Request) -> Told:
        found = self._world.attachments.get(request.conversation or "")
        if found is None:
            raise Refused(faults.error(404, "AttachmentNotFound", "There is no such attachment."))
        views = [{"viewId": name, "size": len(data)} for name, data in found.views.items()]
        return 200, {"name": found.name, "type": found.type, "views": views}

    def _view(self, request: Request) -> Told:
        found = self._world.attachments.get(request.conversation or "")
        view = None if found is None else found.views.get(request.asked.part or "")
        if view is None:
            raise Refused(faults.error(404, "AttachmentNotFound", "There is no such view."))
        return 200, view

    def _team(self, request: Request) -> Told:
        team = self._world.teams.get(request.conversation or "")
        if team is None:
            raise Refused(faults.NOT_IN_ROSTER)
        room = self._world.rooms.get(team.id)
        known = {"aadGroupId": team.aad_group_id, "tenantId": team.tenant}
        return 200, {
            "id": team.id,
            "name": team.name,
            "channelCount": len(team.channels),
            "memberCount": 0 if room is None else len(room.members),
        } | {name: value for name, value in known.items() if value is not None}

    def _team_channels(self, request: Request) -> Told:
        team = self._world.teams.get(request.conversation or "")
        if team is None:
            raise Refused(faults.NOT_IN_ROSTER)
        # The general channel is told without its name, in every language.
        channels = [
            {"id": each} if each == team.id else {"id": each, "name": name}
            for each, name in team.channels
        ]
        return 200, {"conversations": channels}


def _page(items: list[Any], request: Request, size: int) -> tuple[list[Any], str | None]:
    token = request.asked.query.get("continuationToken", "")
    begin = int(token) if token.isascii() and token.isdigit() else 0
    end = begin + size
    return items[begin:end], str(end) if end < len(items) else None


def _continuation(following: str | None) -> dict[str, str]:
    return {} if following is None else {"continuationToken": following}
