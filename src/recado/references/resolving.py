"""Resolving: which conversations an audience means."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from recado.domain.audience import (
    Audience,
    Conversation,
    Members,
    Person,
    Several,
    Subscribers,
    Thread,
)
from recado.domain.consent import identities_of, name_of
from recado.domain.expecting import expected_key, is_expected
from recado.domain.ids import may_be_id
from recado.domain.making import (
    MAKING_CHANNELS,
    Wish,
    channel_of_thread,
    has_threads,
    wish_from,
)
from recado.domain.places import GONE_FOR_GOOD
from recado.domain.reference import (
    VOUCHING_CHANNELS,
    ConversationKey,
    Health,
    Member,
    Reference,
    fold_email,
    pace_key,
)
from recado.domain.roster import RosterRule
from recado.errors import UnknownRecipient
from recado.store.port import Store


class Resolver:
    """Finds the conversations an audience names, or whom a broadcast is to be expanded from.

    Args:
        store: where references are.
        roster: whether people who are known only from a roster can be named.
    """

    def __init__(self, store: Store, roster: RosterRule) -> None:
        self._store = store
        self._roster = roster

    async def resolve(
        self, bot: str, audience: Audience, *, dry: bool = False, category: str | None = None
    ) -> list[Reference]:
        """The conversations an audience means now, each once, in the order they were named.

        None for a broadcast. A person who is known only from a roster, or from a group, gets a
        reference whose conversation is made when something is said; so does a thread of a
        channel that is known.

        Args:
            bot: whose conversations.
            audience: whom it means.
            dry: nothing is stored: a reference that would be is given as it would be.
            category: what kind of message it is for, where people have to have agreed to it.

        Raises:
            UnknownRecipient: a conversation or person is not known to this bot.
        """
        match audience:
            case Conversation(id=name):
                return [await self._conversation(bot, name, dry=dry)]
            case Person(id=name):
                return [await self._private_chat(bot, name, dry=dry, category=category)]
            case Thread(channel_id=name):
                return [await self._channel(bot, name, dry=dry)]
            case Several(of=parts):
                chosen: dict[ConversationKey, Reference] = {}
                for part in parts:
                    for reference in await self.resolve(bot, part, dry=dry, category=category):
                        chosen.setdefault(reference.key, reference)
                return list(chosen.values())
            # Refused now, not while it is expanded.
            case Members(id=name):
                await self.known(bot, name)
            case Subscribers(topic=name):
                await self._store.topic(bot, name)
        return []

    async def known(self, bot: str, name: str) -> Reference:
        """A conversation that is known, by its reference's id or its own.

        Raises:
            UnknownRecipient: there is none.
        """
        found = await self._find(bot, name)
        if found is None:
            raise UnknownRecipient(
                f"No conversation {name!r} is known: the bot has to hear from it once before it "
                "can speak there (`recado references list` shows those it knows)."
            )
        return found

    async def _find(self, bot: str, name: str) -> Reference | None:
        found = await self._store.reference(name) if may_be_id(name) else None
        if found is None or found.key.bot != bot:
            found = await self._store.find_conversation(bot, name)
        return found

    # -- people ------------------------------------------------------------------------------

    async def _private_chat(
        self, bot: str, name: str, *, dry: bool, category: str | None
    ) -> Reference:
        """The private chat with a person. What is meant for one is never said to a group."""
        everywhere = await self._store.find_references(bot, name)
        found = [each for each in everywhere if not is_expected(each.key)]
        chat = _best([each for each in found if each.private])
        if chat is not None and await self._may_begin(chat, name, category):
            return chat
        wish = await self._wish(bot, name, found, category)
        if wish is not None:
            return _unsaved(wish) if dry else await self._store.wish(wish)
        if await self._store.has_agreed(bot, name, category):
            return _unmet(bot, name) if dry else await self._store.expect(bot, name)
        if found:
            raise UnknownRecipient(
                f"{name!r} is known only from groups, where others would read it: name the "
                f"conversation itself, for example conversation:{found[0].id}."
            )
        raise UnknownRecipient(
            f"Nobody is known as {name!r}: they have to write to the bot, or install it, once "
            "before it can speak to them (`recado references list` shows who is known)."
        )

    async def _may_begin(self, chat: Reference, name: str, category: str | None) -> bool:
        """Whether a chat that is still to be made may be, as the rule is by now."""
        if not chat.unmade or chat.heard or self._roster is RosterRule.ALLOW:
            return True
        return await self._store.has_agreed(chat.key.bot, name, category)

    async def _wish(
        self, bot: str, name: str, groups: Sequence[Reference], category: str | None
    ) -> Wish | None:
        """Whom to make a private chat with: somebody on a roster, or who was seen in a group."""
        ask = self._roster is RosterRule.REQUIRE_OPT_IN
        listed = await self._store.find_listed(bot, name)
        if listed is not None and listed[1].key.channel in MAKING_CHANNELS:
            entry, team = listed
            also = identities_of(entry.member, team.key.channel)
            if ask and not await self._store.has_agreed(bot, name, category, also=also):
                raise UnknownRecipient(
                    f"{name!r} is known only from a roster and has not agreed to be spoken to: "
                    "they have to write to the bot, or install it, once, or agree in another way "
                    "that is recorded with `recado consent opt-in` (RECADO_ROSTER)."
                )
            return wish_from(team, entry.member, entry.tenant_id)
        for group in groups:
            if group.key.channel in MAKING_CHANNELS:
                met = next(each for each in group.members if _is(each, name))
                also = identities_of(met, group.key.channel)
                if not ask or await self._store.has_agreed(bot, name, category, also=also):
                    return wish_from(group, met, None)
        return None

    # -- threads -----------------------------------------------------------------------------

    async def _conversation(self, bot: str, name: str, *, dry: bool) -> Reference:
        found = await self._find(bot, name)
        if found is not None:
            return found
        channel_id = channel_of_thread(name)
        if channel_id is not None:
            channel = await self._store.find_channel(bot, channel_id)
            if channel is not None and has_threads(channel):
                return channel if dry else await self._store.thread(channel, name)
        return await self.known(bot, name)

    async def _channel(self, bot: str, name: str, *, dry: bool) -> Reference:
        """The channel a thread is to be begun in, by its id or by one of its threads."""
        found = await self._find(bot, name)
        if found is None:
            found = await self._store.find_channel(bot, pace_key(name))
        if found is None:
            found = await self.known(bot, name)
        if not has_threads(found):
            raise UnknownRecipient(
                f"{name!r} has no threads: only channels of teams in Microsoft Teams have."
            )
        if dry or found.key.conversation_id == found.pace_key:
            return found
        return await self._store.thread(found, found.pace_key)


def _best(chats: Sequence[Reference]) -> Reference | None:
    """Which of a person's private chats; given in the order they were seen, the last one first."""
    # Where people choose their own ids they could choose somebody else's.
    vouched = [chat for chat in chats if chat.key.channel in VOUCHING_CHANNELS] or chats
    ranked = sorted(
        vouched,
        key=lambda chat: (chat.health in GONE_FOR_GOOD, chat.unmade, not chat.preferred),
    )
    return ranked[0] if ranked else None


def _unmet(bot: str, name: str) -> Reference:
    """The reference that would stand for somebody no conversation is known with."""
    never = datetime.fromtimestamp(0, UTC)
    return Reference(
        number=0,
        id="",
        key=expected_key(bot, name_of(name)),
        service_url="",
        first_seen=never,
        last_seen=never,
        conversation_type="personal",
        health=Health.GONE,
        members=(Member(user_id=name),),
        heard=False,
        unmade=True,
    )


def _unsaved(wish: Wish) -> Reference:
    """The reference a wish would get."""
    never = datetime.fromtimestamp(0, UTC)
    return Reference(
        number=0,
        id="",
        key=wish.key,
        service_url=wish.service_url,
        first_seen=never,
        last_seen=never,
        tenant_id=wish.tenant_id,
        conversation_type="personal",
        agent=wish.agent,
        members=(wish.member,),
        heard=False,
        unmade=True,
    )


def _is(member: Member, name: str) -> bool:
    return name in (member.user_id, member.aad_object_id) or member.email == fold_email(name)
