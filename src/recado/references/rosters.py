"""Reading rosters: who is in a team or group, page by page, and again from where it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recado.channel.calls import CallFailed, Endpoint, TeamDetails, members_pages, team_details
from recado.channel.port import Channel
from recado.clock import Clock
from recado.domain.policy import Answer
from recado.domain.reference import Reference
from recado.domain.roster import Reading
from recado.errors import ChannelError
from recado.store.port import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterRead:
    """How far a roster has been read.

    Attributes:
        reference_id: whose it is.
        listed: how many people are on the pages read by now.
        of: how many there are, if the channel has told.
        done: whether that was the last page.
    """

    reference_id: str
    listed: int
    of: int | None
    done: bool


class Rosters:
    """Reads rosters.

    Args:
        store: where they are kept.
        clock: the time.
        channel: asks for them, at its pace.
    """

    def __init__(self, store: Store, clock: Clock, channel: Channel) -> None:
        self._store = store
        self._clock = clock
        self._channel = channel

    async def read(
        self, team: Reference, progress: Callable[[RosterRead], None] = lambda _: None
    ) -> RosterRead:
        """Read the roster of a conversation, from where an earlier reading ended if one did.

        Each page is committed with where to go on. After the last one those who were on no page
        have left.

        Args:
            team: a team's channel, or a group.
            progress: told after each page.

        Raises:
            ChannelError: the channel refused or did not answer; what was read is kept.
        """
        at = Endpoint(bot=team.key.bot, channel=team.key.channel, service_url=team.service_url)
        reading = await self._store.roster_reading(team.id)
        many = await self._how_many(team, at)
        try:
            return await self._go_on(team, at, reading, many, progress)
        except ChannelError as error:
            if reading is None or error.status is None or not 400 <= error.status < 405:
                raise
        # What an earlier reading was to go on with is not known any more.
        return await self._go_on(team, at, None, many, progress)

    async def _go_on(
        self,
        team: Reference,
        at: Endpoint,
        reading: Reading | None,
        many: int | None,
        progress: Callable[[RosterRead], None],
    ) -> RosterRead:
        began_at = reading.began_at if reading is not None else self._clock.now()
        listed = reading.listed if reading is not None else 0
        pages = members_pages(
            self._channel,
            at,
            team.pace_key,
            continuation=reading.continuation if reading is not None else None,
        )
        read = RosterRead(reference_id=team.id, listed=listed, of=many, done=False)
        async for page in pages:
            if isinstance(page, CallFailed):
                raise _refused(page.answer, page.reason)
            listed += len(page.members)
            await self._store.keep_roster(
                team.id,
                page.members,
                began_at=began_at,
                now=self._clock.now(),
                continuation=page.continuation,
                listed=listed,
            )
            done = page.continuation is None
            read = RosterRead(reference_id=team.id, listed=listed, of=many, done=done)
            progress(read)
        return read

    async def _how_many(self, team: Reference, at: Endpoint) -> int | None:
        """How many people a team has, for who wants to see how far it is; groups do not tell."""
        if team.conversation_type != "channel":
            return None
        told = await team_details(self._channel, at, _team_id(team))
        return told.member_count if isinstance(told, TeamDetails) else None


def _team_id(team: Reference) -> str:
    """The id of the team a channel is in: Teams tells it with activities from there."""
    data = team.raw.get("channelData")
    known = data.get("team") if isinstance(data, dict) else None
    told = known.get("id") if isinstance(known, dict) else None
    return told if isinstance(told, str) and told else team.pace_key


def _refused(answer: Answer, reason: str | None) -> ChannelError:
    what = answer.failure or " ".join(
        str(part) for part in (answer.status, answer.code, answer.sub_code) if part is not None
    )
    words = reason or answer.message
    told = f"The channel did not tell who is there ({what}){f': {words}' if words else ''}"
    return ChannelError(
        f"{told.rstrip('.')}. What was read is kept: read on later.",
        status=answer.status,
        channel_code=answer.code,
        sub_code=answer.sub_code,
        retry_after=answer.retry_after,
    )
