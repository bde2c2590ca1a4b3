"""The use cases around references: capture them, find them."""

from __future__ import annotations

from collections import OrderedDict

from recado.domain.audience import Audience, Conversation, EveryConversation, Person, Several
from recado.domain.reference import (
    VOUCHING_CHANNELS,
    ConversationKey,
    Presence,
    Reference,
    Sighting,
)
from recado.errors import UnknownRecipient, UnknownReference
from recado.store.port import Page, Store
from recado.telemetry import ReferenceCaptured, Telemetry

#: Conversations remembered as committed, so that most inbound turns wait for nothing. With a
#: person or two in each about 60 MB when full.
_REMEMBERED = 100_000
#: At most this many people are remembered in a conversation.
_PEOPLE = 1_000


class References:
    """Where the people and conversations a bot knows are kept."""

    def __init__(self, store: Store, telemetry: Telemetry) -> None:
        self._store = store
        self._telemetry = telemetry
        self._known: OrderedDict[ConversationKey, _Known] = OrderedDict()

    async def remember(self, sighting: Sighting) -> None:
        """Take in what an inbound activity tells.

        A conversation, member or state not known before is committed before this returns.
        Otherwise the refresh rides on the next commit and nobody waits for it.
        """
        known = self._known.get(sighting.key)
        if known is not None and known.tells(sighting):
            self._store.touch(sighting)
            return
        (captured,) = await self._store.capture([sighting])
        self._keep(sighting)
        if captured.new or captured.released:
            self._telemetry.emit(
                ReferenceCaptured(
                    number=captured.number, new=captured.new, released=captured.released
                )
            )

    def remember_later(self, sighting: Sighting) -> None:
        """Take in what an inbound activity tells with the next commit that succeeds."""
        self._store.touch(sighting)

    def _keep(self, sighting: Sighting) -> None:
        known = self._known.setdefault(sighting.key, _Known())
        known.take(sighting)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    async def get(self, reference_id: str) -> Reference:
        """The reference with that id.

        Raises:
            UnknownReference: there is none.
        """
        found = await self._store.reference(reference_id)
        if found is None:
            raise UnknownReference(
                f"There is no reference {reference_id}: `recado references list` shows them."
            )
        return found

    async def page(
        self, *, bot: str | None = None, after: str | None = None, limit: int = 100
    ) -> Page[Reference]:
        """References in the order they were first seen."""
        return await self._store.references(bot=bot, after=after, limit=limit)

    async def resolve(self, bot: str, audience: Audience) -> list[Reference]:
        """The conversations an audience means now, each once, in the order they were named.

        Raises:
            UnknownRecipient: a conversation or person is not known to this bot.
        """
        match audience:
            case Conversation(id=name):
                return [await self._conversation(bot, name)]
            case Person(id=name):
                return [await self._private_chat(bot, name)]
            case Several(of=parts):
                chosen: dict[int, Reference] = {}
                for part in parts:
                    for reference in await self.resolve(bot, part):
                        chosen.setdefault(reference.number, reference)
                return list(chosen.values())
            case EveryConversation():
                return []

    async def _private_chat(self, bot: str, name: str) -> Reference:
        """The private chat with a person. What is meant for one is never said to a group."""
        found = await self._store.find_references(bot, name)
        chats = [reference for reference in found if reference.private]
        # Elsewhere people choose their own ids, and could choose somebody else's.
        vouched = [chat for chat in chats if chat.key.channel in VOUCHING_CHANNELS]
        if vouched or chats:
            return (vouched or chats)[0]
        if found:
            raise UnknownRecipient(
                f"{name!r} is known only from groups, where others would read it: name the "
                f"conversation itself, for example conversation:{found[0].id}."
            )
        raise UnknownRecipient(
            f"Nobody is known as {name!r}: they have to write to the bot, or install it, once "
            "before it can speak to them (`recado references list` shows who is known)."
        )

    async def _conversation(self, bot: str, name: str) -> Reference:
        found = await self._store.reference(name)
        if found is None or found.key.bot != bot:
            found = await self._store.find_conversation(bot, name)
        if found is None:
            raise UnknownRecipient(
                f"No conversation {name!r} is known: the bot has to hear from it once before it "
                "can speak there (`recado references list` shows those it knows)."
            )
        return found


class _Known:
    """What is known to be committed about a conversation."""

    __slots__ = ("_people", "_presence", "_service_url")

    def __init__(self) -> None:
        self._service_url = ""
        self._presence: Presence | None = None
        self._people: set[str] = set()

    def tells(self, sighting: Sighting) -> bool:
        """Whether *sighting* says nothing that would have to be committed at once."""
        return (
            sighting.service_url in ("", self._service_url)
            and sighting.presence is self._presence
            and not sighting.departed
            and all(member.user_id in self._people for member in sighting.members)
        )

    def take(self, sighting: Sighting) -> None:
        """It has been committed."""
        self._service_url = sighting.service_url or self._service_url
        self._presence = sighting.presence
        if len(self._people) > _PEOPLE:
            self._people.clear()
        self._people.update(member.user_id for member in sighting.members)
        self._people.difference_update(sighting.departed)
