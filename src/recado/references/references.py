"""References: where the people and conversations a bot knows are kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from recado.channel.port import Channel
from recado.clock import Clock, SystemClock
from recado.domain.audience import Audience
from recado.domain.audit import AuditEntry
from recado.domain.health import HealthCount
from recado.domain.making import MAKING_CHANNELS, Wish, wish_from
from recado.domain.reference import LOCAL_BOT, Health, Member, Reference, Sighting
from recado.domain.roster import RosterMember, RosterRule
from recado.errors import InvalidInput, UnknownReference
from recado.references.memory import Memory
from recado.references.resolving import Resolver
from recado.references.rosters import RosterRead, Rosters
from recado.store.port import Page, Store
from recado.telemetry import ReferenceCaptured, Telemetry


class References:
    """Where the people and conversations a bot knows are kept.

    Args:
        store: keeps them.
        telemetry: told of what is new.
        clock: the time; the machine's when left out.
        channel: asks channels for rosters; without it nobody can.
        roster: whether people who are known only from a roster can be named.
        bot: whose they are where nothing else is said.
    """

    def __init__(  # noqa: PLR0913 - one parameter a collaborator
        self,
        store: Store,
        telemetry: Telemetry,
        *,
        clock: Clock | None = None,
        channel: Channel | None = None,
        roster: RosterRule = RosterRule.ALLOW,
        bot: str = LOCAL_BOT,
    ) -> None:
        self._store = store
        self._telemetry = telemetry
        self._bot = bot
        self._memory = Memory()
        self._resolver = Resolver(store, roster)
        self._rosters = None if channel is None else Rosters(store, clock or SystemClock(), channel)

    async def remember(self, sighting: Sighting) -> None:
        """Take in what an inbound activity tells.

        A conversation, member or state not known before is committed before this returns.
        Otherwise the refresh rides on the next commit and nobody waits for it.
        """
        if self._memory.tells(sighting):
            self._store.touch(sighting)
            return
        (captured,) = await self._store.capture([sighting])
        self._memory.keep(sighting)
        if captured.new or captured.released:
            self._telemetry.emit(
                ReferenceCaptured(
                    number=captured.number, new=captured.new, released=captured.released
                )
            )

    def remember_later(self, sighting: Sighting) -> None:
        """Take in what an inbound activity tells with the next commit that succeeds."""
        self._store.touch(sighting)

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

    async def page(  # noqa: PLR0913 - one parameter a filter
        self,
        *,
        bot: str | None = None,
        channel: str | None = None,
        tenant: str | None = None,
        health: Collection[Health] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Reference]:
        """References in the order they were first seen.

        Args:
            bot: whose; None or empty does not filter, here and below.
            channel: base channel, for example ``msteams``.
            tenant: directory tenant.
            health: any of these.
            after: the page before's ``next``.
            limit: how many at most.

        Raises:
            InvalidInput: *after* is not from a page of this listing.
        """
        return await self._store.references(
            bot=bot, channel=channel, tenant=tenant, health=health, after=after, limit=limit
        )

    async def report(self, bot: str) -> list[HealthCount]:
        """How many of *bot*'s conversations are in which health, per channel."""
        return await self._store.health_report(bot)

    async def history(
        self, reference_id: str, *, after: str | None = None, limit: int = 100
    ) -> Page[AuditEntry]:
        """What has become of a reference, newest first.

        Raises:
            InvalidInput: *after* is not from a page of this listing.
            UnknownReference: there is no such reference.
        """
        await self.get(reference_id)
        return await self._store.audit(reference_id=reference_id, after=after, limit=limit)

    async def known_by_ids(self, ids: Collection[str]) -> Mapping[str, Reference]:
        """Conversations by their references' ids; without those there are not."""
        found = await self._store.references_by_ids(sorted(ids)) if ids else ()
        return {each.id: each for each in found}

    async def resolve(
        self, bot: str, audience: Audience, *, dry: bool = False, category: str | None = None
    ) -> list[Reference]:
        """The conversations an audience means now, each once, in the order they were named.

        None for a broadcast, which is expanded when it has been accepted. For somebody who is
        known only from a roster, or a group, it is a reference whose conversation is made when
        something is said to them.

        Args:
            bot: whose conversations.
            audience: whom it means.
            dry: nothing is stored: a reference that would be is given as it would be.
            category: what kind of message it is for, where people have to have agreed to it.

        Raises:
            UnknownRecipient: a conversation or person is not known to this bot.
        """
        return await self._resolver.resolve(bot, audience, dry=dry, category=category)

    async def reach(
        self,
        user_id: str,
        *,
        within: str,
        bot: str | None = None,
        tenant_id: str | None = None,
        service_url: str | None = None,
    ) -> Reference:
        """The private chat with somebody no roster and no activity has told of.

        Nothing is asked of the channel before something is said there; then their conversation
        is made. For Microsoft Teams.

        Args:
            user_id: their channel user id (``29:…``), or their directory object id if the app is
                installed for them.
            within: a conversation that is known of their tenant, by its reference's id or its
                own: their chat is asked for where that is.
            bot: who is to speak to them.
            tenant_id: their tenant, if it is another than that conversation's.
            service_url: where to ask, if it is elsewhere.

        Raises:
            UnknownRecipient: that conversation is not known.
            InvalidInput: its channel makes no conversations.
        """
        known = await self._resolver.known(bot or self._bot, within)
        if known.key.channel not in MAKING_CHANNELS:
            raise InvalidInput(
                f"Private conversations cannot be begun on {known.key.channel}: the person has to "
                "write to the bot first."
            )
        found = await self._store.find_references(known.key.bot, user_id)
        for chat in found:
            if chat.private and chat.key.channel == known.key.channel:
                return chat
        wish: Wish = wish_from(known, Member(user_id=user_id), tenant_id, service_url)
        return await self._store.wish(wish)

    async def refresh_roster(
        self,
        team: str,
        *,
        bot: str | None = None,
        progress: Callable[[RosterRead], None] = lambda _: None,
    ) -> RosterRead:
        """Read who is in a team or group, from where an earlier reading ended if one did.

        Nobody becomes reachable by it, but they can be named: by their ids or e-mail address.

        Args:
            team: a channel of the team, or the group, by its reference's id or its own.
            bot: whose conversation it is.
            progress: told after each page.

        Raises:
            UnknownRecipient: that conversation is not known.
            ChannelError: the channel refused or did not answer; what was read is kept.
            InvalidInput: there is no way to the channel.
        """
        if self._rosters is None:
            raise InvalidInput("There is no channel to ask: give References one.")
        known = await self._resolver.known(bot or self._bot, team)
        return await self._rosters.read(known, progress)

    async def roster(
        self, reference_id: str, *, after: str | None = None, limit: int = 500
    ) -> Page[RosterMember]:
        """Who is on the roster of a conversation, as it was read last.

        Raises:
            UnknownReference: there is no such reference.
        """
        await self.get(reference_id)
        return await self._store.roster(reference_id, after=after, limit=limit)
