"""People at a channel: they speak to the bot, install it, block it, come and go."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from recado.domain.reference import ConversationKey, Member, Sighting
from recado.testing import faults
from recado.testing.service import ChannelService
from recado.testing.world import Kind, Room, Team, person

if TYPE_CHECKING:
    from recado.app import Recado

#: Takes an inbound activity and answers with the HTTP status: a bot without a server.
Receive = Callable[[dict[str, Any]], Awaitable[int]]

#: Seconds a bot may take to answer; channels give it fifteen.
_PATIENCE = 30.0

#: The bot as Teams names it.
BOT: Mapping[str, str] = {"id": "28:bot", "name": "Bot"}


class BotRefused(Exception):  # noqa: N818 - it says it all
    """The bot did not take an activity.

    Attributes:
        status: what it answered; None if it did not.
        body: the beginning of what it said, or why there is no answer.
    """

    def __init__(self, status: int | None, body: str) -> None:
        told = "did not answer" if status is None else f"answered {status}"
        super().__init__(f"The bot {told}: {body or 'nothing'}.")
        self.status = status
        self.body = body


class People:
    """Who is at a channel, and what they do.

    Args:
        service: the channel.
        bot: where the bot is: its URL, or a function.

    Attributes:
        url: the service URL bots are told.
    """

    url: str = ""

    def __init__(self, service: ChannelService, bot: str | Receive | None = None) -> None:
        self.service = service
        self.bot = bot
        self._numbers = itertools.count(1)

    # -- who there is ------------------------------------------------------------------------

    def person(
        self, name: str, *, conversation: str | None = None, tenant: str | None = "tenant-1"
    ) -> Room:
        """A private chat with a person of that name; it is only known to the channel yet.

        Args:
            name: the person's; ids and address are made from it.
            conversation: the chat's id, ``a:<name>`` if left out.
            tenant: the person's tenant; None on channels that have none.
        """
        account = person(f"29:{name.lower()}", name.capitalize(), tenant=tenant)
        room = Room(id=conversation or f"a:{name.lower()}", tenant=tenant, members=[account])
        return self.service.world.add(room)

    def group(
        self,
        conversation: str,
        members: Sequence[str],
        *,
        kind: Kind = "groupChat",
        tenant: str | None = "tenant-1",
    ) -> Room:
        """A chat of several people, by their names."""
        accounts = [person(f"29:{each.lower()}", tenant=tenant) for each in members]
        return self.service.world.add(
            Room(id=conversation, kind=kind, tenant=tenant, members=accounts)
        )

    def team(
        self,
        name: str,
        members: Sequence[str] | int = (),
        *,
        channels: Sequence[str] = (),
        tenant: str | None = "tenant-1",
    ) -> Team:
        """A team with a general channel and others; its roster can be paged through.

        Args:
            name: its name, which its ids are made from.
            members: names, or how many people there are in it.
            channels: names of further channels.
            tenant: its tenant.
        """
        names = [f"user{each}" for each in range(members)] if isinstance(members, int) else members
        slug = name.lower().replace(" ", "-")
        ids = [(f"19:{slug}@thread.tacv2", "General")]
        ids += [(f"19:{slug}-{each.lower()}@thread.tacv2", each) for each in channels]
        team = Team(id=ids[0][0], name=name, tenant=tenant, channels=tuple(ids))
        self.service.world.teams[team.id] = team
        general = self.group(team.id, names, kind="channel", tenant=tenant)
        for each, channel in ids:
            room = Room(id=each, kind="channel", tenant=tenant, members=general.members)
            room.team, room.name = team.id, channel
            self.service.world.add(room)
        return team

    # -- what they do ------------------------------------------------------------------------

    async def introduce(
        self, room: Room | str, bot: str | Receive | None = None, **changes: Any
    ) -> int:
        """Let the bot hear that it and the people were added; the status it answered.

        Args:
            room: the conversation; a name stands for a private chat that is made.
            bot: where the bot is, if not where the channel was told.
            changes: fields of the activity that differ.

        Raises:
            BotRefused: the bot did not take it.
        """
        known = self._known(room)
        told = {
            "type": "conversationUpdate",
            "membersAdded": [*(_account(each) for each in known.members), dict(BOT)],
        }
        return await self.tell(known, told | changes, bot)

    async def say(
        self, room: Room | str, text: str, bot: str | Receive | None = None, **changes: Any
    ) -> int:
        """Let the first person in a conversation say something; the status the bot answered.

        Raises:
            BotRefused: the bot did not take it.
        """
        told = {"type": "message", "text": text, "textFormat": "plain"}
        return await self.tell(self._known(room), told | changes, bot)

    async def install(self, room: Room | str, bot: str | Receive | None = None) -> int:
        """Install the bot (again); it hears of it, and may speak."""
        known = self._known(room)
        known.refusal = None
        self.service.world.not_installed -= {str(each["id"]) for each in known.members}
        return await self.tell(known, {"type": "installationUpdate", "action": "add"}, bot)

    async def uninstall(self, room: Room | str, bot: str | Receive | None = None) -> int:
        """Uninstall the bot: it hears of it, and is refused from then on."""
        known = self._known(room)
        known.refusal = faults.NOT_IN_ROSTER
        if known.kind == "personal":
            self.service.world.not_installed |= {str(each["id"]) for each in known.members}
        return await self.tell(known, {"type": "installationUpdate", "action": "remove"}, bot)

    def block(self, room: Room | str, refusal: faults.Fault = faults.WRITES_BLOCKED) -> None:
        """Block the bot. It is not told; it only sees itself refused."""
        self._known(room).refusal = refusal

    def unblock(self, room: Room | str) -> None:
        """Let the bot speak again. It is not told of that either."""
        self._known(room).refusal = None

    async def remove_member(
        self, room: Room | str, user_id: str, bot: str | Receive | None = None
    ) -> int:
        """Let somebody leave, or the bot be removed; the bot hears of it."""
        known = self._known(room)
        gone = [each for each in known.members if each["id"] == user_id]
        known.members[:] = [each for each in known.members if each["id"] != user_id]
        if user_id == BOT["id"]:
            known.refusal = faults.NOT_IN_ROSTER
        told = {
            "type": "conversationUpdate",
            "membersRemoved": [_account(each) for each in gone] or [{"id": user_id}],
        }
        return await self.tell(known, told, bot)

    async def tell(
        self, room: Room, activity: Mapping[str, Any], bot: str | Receive | None = None
    ) -> int:
        """Send the bot any activity from a conversation; the status it answered.

        Args:
            room: where it comes from.
            activity: what is special about it; the rest is filled in.
            bot: where the bot is, if not where the channel was told.

        Raises:
            BotRefused: the bot did not take it.
            ValueError: nobody said where the bot is.
        """
        told = self.inbound(room) | dict(activity)
        where = bot or self.bot
        if where is None:
            raise ValueError("Say where the bot is: FakeConnector(bot=url), or bot=url here.")
        if callable(where):
            status = await where(told)
            said = ""
        else:
            url = f"{where.rstrip('/')}/api/messages"
            status, said = await asyncio.to_thread(_post, url, told)
        if not 200 <= status < 300:
            raise BotRefused(status, said)
        return status

    def inbound(self, room: Room) -> dict[str, Any]:
        """What every activity from a conversation has."""
        now = self.service.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told: dict[str, Any] = {
            "id": f"{int(self.service.clock.now().timestamp() * 1000)}{next(self._numbers):04d}",
            "timestamp": now,
            "channelId": self.service.channel,
            "serviceUrl": self.url,
            "conversation": room.account,
            "recipient": dict(BOT),
        }
        if room.members:
            told["from"] = _account(room.members[0])
        if room.tenant is not None:
            told["channelData"] = {"tenant": {"id": room.tenant}}
            if room.team is not None:
                told["channelData"] |= {"team": {"id": room.team}, "channel": {"id": room.id}}
        return told

    def sighting(self, room: Room | str, bot: str = "local") -> Sighting:
        """What a Recado learns from hearing a conversation, for those that host no bot.

        Args:
            room: the conversation.
            bot: the name the bot's references are kept under.
        """
        known = self._known(room)
        return Sighting(
            key=ConversationKey(bot=bot, channel=self.service.channel, conversation_id=known.id),
            service_url=self.url,
            at=self.service.clock.now(),
            tenant_id=known.tenant,
            conversation_type=known.kind,
            is_group=known.kind != "personal",
            agent=dict(BOT),
            members=tuple(
                Member(user_id=str(each["id"]), name=each.get("name")) for each in known.members
            ),
            raw={"conversation": known.account},
        )

    async def meet(self, recado: Recado, room: Room | str) -> Room:
        """Let a Recado know a conversation as if it had heard it.

        Args:
            recado: opened or started.
            room: the conversation; a name stands for a private chat that is made.
        """
        (known,) = await self.meet_all(recado, [room])
        return known

    async def meet_all(self, recado: Recado, rooms: Iterable[Room | str]) -> list[Room]:
        """Let a Recado know many conversations, in one step."""
        known = [self._known(each) for each in rooms]
        sightings = [self.sighting(each, recado.settings.bot) for each in known]
        await recado.store.capture(sightings)
        return known

    # -- details -----------------------------------------------------------------------------

    def _known(self, room: Room | str) -> Room:
        if isinstance(room, Room):
            return room
        found = self.service.world.rooms.get(room)
        return found if found is not None else self.person(room)


def _post(url: str, told: Mapping[str, Any]) -> tuple[int, str]:
    """Post one activity, in a thread of its own: people speak seldom.

    Raises:
        BotRefused: nobody answered.
    """
    where = urlsplit(url)
    secure = where.scheme == "https"
    connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = connect(where.netloc, timeout=_PATIENCE)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", where.path, json.dumps(told), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")[:300]
    except (OSError, http.client.HTTPException) as error:
        raise BotRefused(None, str(error)) from error
    finally:
        connection.close()


def _account(member: Mapping[str, Any]) -> dict[str, Any]:
    """A member as activities name one; the rest is for the roster."""
    return {name: member[name] for name in ("id", "name", "aadObjectId") if member.get(name)}
