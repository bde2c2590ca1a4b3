"""The way in: what people do at a Direct Line client, without any HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from recado.channel.local.history import (
    AGENT,
    ActivitySet,
    History,
    new_conversation_id,
)
from recado.channel.local.parsing import bad_argument, check_activity
from recado.channel.local.refusal import Refusal, conversation_not_found
from recado.channel.local.tokens import TOKEN_LIFETIME, Claims, Tokens
from recado.clock import Clock

_log = logging.getLogger("recado.local")

#: A bot that has not answered by then makes the channel answer 504 (protocol §1.5).
BOT_PATIENCE = 15.0
#: How often a stream looks for what other processes appended.
LOOK_AGAIN = 1.0
#: A stream that has nothing to say sends an empty frame this often (protocol §6.2).
KEEP_ALIVE = 15.0
#: How long turns may take to end when the server stops.
_LAST_WORDS = 5.0

#: What only a channel may tell a bot, and no client.
_CHANNELS_OWN = frozenset({"conversationUpdate", "contactRelationUpdate", "installationUpdate"})


@dataclass(frozen=True, slots=True)
class BotAnswer:
    """What the bot answered to an activity: an HTTP status and a body, if it had one."""

    status: int
    body: Any = None


ToBot = Callable[[dict[str, Any]], Awaitable[BotAnswer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A conversation and the token that opens it."""

    claims: Claims
    token: str
    #: Opens the stream, soon; None when nothing was started yet.
    stream_token: str | None = None
    #: Where the stream begins: behind this position.
    after: int | None = None
    #: Whether the conversation was started just now.
    new: bool = False

    @property
    def conversation_id(self) -> str:
        return self.claims.conversation_id

    @property
    def expires_in(self) -> int:
        """Seconds the token is valid."""
        return int(TOKEN_LIFETIME.total_seconds())


class DirectLine:
    """Direct Line 3.0 (protocol §6) for the conversations in the store.

    Args:
        history: the one the bot speaks into, so that streams wake at once.
        tokens: issues and verifies tokens.
        clock: the time.
        to_bot: hands an activity to the bot and returns when its turn has ended.
    """

    def __init__(self, history: History, tokens: Tokens, clock: Clock, to_bot: ToBot) -> None:
        self._history = history
        self._clock = clock
        self._to_bot = to_bot
        self._turns: set[asyncio.Task[BotAnswer]] = set()
        self._closing = False
        self.tokens = tokens

    # -- tokens and conversations ------------------------------------------------------------

    async def generate(self, user: Mapping[str, Any] | None) -> Grant:
        """Allot a conversation and a token for it. It starts nothing; the bot hears nothing.

        Args:
            user: the ChannelAccount of whom the token is for.
        """
        claims = _claims(new_conversation_id(), user)
        return Grant(claims=claims, token=await self.tokens.issue(claims))

    async def refresh(self, token: str, *, expired_too: bool = False) -> Grant:
        """A new token for an old one.

        Args:
            token: the old one.
            expired_too: accept an expired one, as long as its conversation exists: who comes
                back after a night finds the conversation again.

        Raises:
            Refusal: the token is not valid, or the conversation is gone.
        """
        claims = await self.tokens.verify(token, expired_too=expired_too)
        if expired_too:
            await self._person(claims.conversation_id)
        return Grant(claims=claims, token=await self.tokens.issue(claims))

    async def start(
        self,
        claims: Claims | None = None,
        user: Mapping[str, Any] | None = None,
        locale: str | None = None,
    ) -> Grant:
        """Start a conversation, or come back to the one the claims name.

        A new conversation is announced to the bot, which may answer with a welcome; nobody
        waits for that.

        Args:
            claims: of the token that was presented; its user, if any, is the person.
            user: whom the client says it is, if the claims name nobody.
            locale: the client's language.
        """
        if claims is None:
            claims = _claims(new_conversation_id(), user)
        elif claims.user_id is None:
            claims = _claims(claims.conversation_id, user)
        new = await self._history.start(claims.conversation_id, claims.person())
        if new:
            self._announce(claims.conversation_id, claims.person(), AGENT, locale=locale)
        return await self._open(claims, after=0, new=new)

    async def reconnect(self, claims: Claims, after: int | None) -> Grant:
        """A new stream for a known conversation.

        Args:
            claims: of the token that was presented.
            after: replay what came later; None begins with what is yet to come.

        Raises:
            Refusal: 404, there is no such conversation.
        """
        await self._person(claims.conversation_id)
        if after is None:
            after = await self._history.end(claims.conversation_id)
        return await self._open(claims, after=after, new=False)

    # -- talking -----------------------------------------------------------------------------

    async def post(
        self, claims: Claims, given: Mapping[str, Any], *, limit: int | None = None
    ) -> str:
        """Say something to the bot, and wait until it has heard it.

        The activity is in the history before the bot gets it, and stays there whatever the bot
        does. A repetition (the same person's ``channelData.clientActivityID``) is not appended
        again; the bot gets it under the id it knows.

        Args:
            claims: of the token that was presented.
            given: the activity as the client sent it.
            limit: characters of JSON it may have; the protocol's own limit when left out.

        Returns:
            The activity's id.

        Raises:
            Refusal: 400, 403 or 413 for an activity that cannot be taken; 404 for an unknown
                conversation; 502 ``BotRejectedActivity``; 504 ``BotTimedOut``, and the turn
                goes on.
        """
        activity = check_activity(given) if limit is None else check_activity(given, limit)
        if activity["type"] in _CHANNELS_OWN:
            raise bad_argument(f'Clients cannot send "{activity["type"]}": the channel does.')
        conversation_id = claims.conversation_id
        known = await self._person(conversation_id)
        person = _speaker(claims, known, activity)
        # What is asked of the delivery is this channel's business: replies go to the history.
        activity.pop("deliveryMode", None)
        activity["from"] = person
        activity["recipient"] = dict(AGENT)
        if known is None:
            await self._history.start(conversation_id, person)
            self._announce(conversation_id, person)
        if activity["type"] == "typing":
            addressed = self._history.address(conversation_id, activity)
        else:
            addressed = await self._history.append(
                conversation_id, activity, key=_client_key(person, activity)
            )
        await self._hear(addressed)
        return str(addressed["id"])

    async def read(self, conversation_id: str, after: int) -> ActivitySet:
        """A page of what came after a position.

        Raises:
            Refusal: 404, there is no such conversation.
        """
        await self._person(conversation_id)
        return await self._history.read(conversation_id, after)

    async def follow(self, conversation_id: str, after: int) -> AsyncGenerator[ActivitySet | None]:
        """What came after a position, and then what comes, until the server stops.

        Yields:
            A set of activities, or None when there was nothing for a while.
        """
        with self._history.broadcast.listen(conversation_id) as listener:
            last = self._clock.now()
            while not self._closing:
                listener.news.clear()
                # Typing first: a message that came with it is what was being typed.
                if passing := listener.take():
                    yield ActivitySet(passing)
                page = await self._history.read(conversation_id, after)
                if page.watermark != after:
                    after = page.watermark or 0
                    yield page
                    last = self._clock.now()
                    continue
                if (self._clock.now() - last).total_seconds() >= KEEP_ALIVE:
                    yield None
                    last = self._clock.now()
                await self._clock.wait(listener.news, LOOK_AGAIN)

    async def close(self) -> None:
        """End every stream, and let turns under way end for a few seconds."""
        self._closing = True
        self._history.broadcast.wake()
        if self._turns:
            over = asyncio.Event()
            gathered = asyncio.gather(*self._turns, return_exceptions=True)
            gathered.add_done_callback(lambda _: over.set())
            if not await self._clock.wait(over, _LAST_WORDS):
                gathered.cancel()

    # -- within ------------------------------------------------------------------------------

    async def _person(self, conversation_id: str) -> Mapping[str, Any] | None:
        exists, person = await self._history.person(conversation_id)
        if not exists:
            raise conversation_not_found()
        return person

    async def _open(self, claims: Claims, *, after: int, new: bool) -> Grant:
        return Grant(
            claims=claims,
            token=await self.tokens.issue(claims),
            stream_token=await self.tokens.issue(claims, "stream"),
            after=after,
            new=new,
        )

    def _announce(
        self,
        conversation_id: str,
        *added: Mapping[str, Any] | None,
        locale: str | None = None,
    ) -> None:
        """Tell the bot who came into the conversation, without waiting."""
        members = [dict(member) for member in added if member is not None]
        update: dict[str, Any] = {
            "type": "conversationUpdate",
            "membersAdded": members,
            "from": members[0],
            "recipient": dict(AGENT),
        }
        if locale:
            update["locale"] = locale
        self._turn(self._history.address(conversation_id, update))

    async def _hear(self, activity: dict[str, Any]) -> None:
        turn = self._turn(activity)
        over = asyncio.Event()
        turn.add_done_callback(lambda _: over.set())
        if not await self._clock.wait(over, BOT_PATIENCE):
            raise Refusal(
                504, "BotTimedOut", f"The bot did not answer within {BOT_PATIENCE:.0f} seconds."
            )
        if turn.cancelled() or turn.exception() is not None:
            raise Refusal(502, "BotRejectedActivity", "The bot failed.")
        if turn.result().status >= 400:
            raise Refusal(502, "BotRejectedActivity", f"The bot answered {turn.result().status}.")

    def _turn(self, activity: dict[str, Any]) -> asyncio.Task[BotAnswer]:
        turn = asyncio.ensure_future(self._to_bot(activity))
        self._turns.add(turn)
        turn.add_done_callback(self._ended)
        return turn

    def _ended(self, turn: asyncio.Task[BotAnswer]) -> None:
        self._turns.discard(turn)
        if not turn.cancelled() and (error := turn.exception()) is not None:
            _log.error("The bot failed on an activity.", exc_info=error)


def _claims(conversation_id: str, user: Mapping[str, Any] | None) -> Claims:
    if user is None or user.get("id") is None:
        return Claims(conversation_id=conversation_id)
    account = _account(user)
    return Claims(
        conversation_id=conversation_id, user_id=account["id"], user_name=account.get("name")
    )


def _account(given: Mapping[str, Any]) -> dict[str, Any]:
    """A person as the client tells it: id and name. Nothing else it says is taken on trust."""
    identity, name = given.get("id"), given.get("name")
    if not isinstance(identity, str) or not identity:
        raise bad_argument('A user\'s "id" is a string that is not empty.')
    if identity == AGENT["id"]:
        raise bad_argument(f'"{identity}" is the bot\'s own id: choose another user id.')
    if name is not None and not isinstance(name, str):
        raise bad_argument('A user\'s "name" is a string.')
    return {"id": identity, **({"name": name} if name else {}), "role": "user"}


def _speaker(
    claims: Claims, known: Mapping[str, Any] | None, activity: Mapping[str, Any]
) -> dict[str, Any]:
    """Who says it: the token's user; else whom the activity names; else the one person there."""
    given = activity.get("from") or {}
    if given.get("id") is None:
        person = claims.person() or (dict(known) if known else None)
        if person is None:
            raise bad_argument('An activity needs a "from" with an "id".')
        return person
    account = _account(given)
    if claims.user_id is not None and account["id"] != claims.user_id:
        raise Refusal(
            403, "BadUser", 'The activity\'s "from" is not the user the token was issued for.'
        )
    if known is not None and known.get("id") == account["id"]:
        return {**known, **account}
    return account


def _client_key(person: Mapping[str, Any], activity: Mapping[str, Any]) -> str | None:
    data = activity.get("channelData")
    client_id = data.get("clientActivityID") if isinstance(data, dict) else None
    if not isinstance(client_id, str) or not client_id:
        return None
    return f"client:{person['id']}:{client_id}"
