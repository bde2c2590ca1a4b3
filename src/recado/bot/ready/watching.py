"""Watching: people have something watched, see what they watch, and end it, by saying so."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Protocol

from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import TurnContext

from recado.bot.capture import channel_of
from recado.bot.ready.asking import Asking
from recado.bot.words import said_to_bot
from recado.clock import Clock
from recado.domain.audience import Conversation
from recado.domain.phrases import Phrase, phrase
from recado.domain.reference import Reference
from recado.domain.text import clean
from recado.domain.watch import (
    AnyRule,
    Beyond,
    Changes,
    Crosses,
    Equals,
    Moved,
    NoValueError,
    Since,
    Watch,
    shown,
    value_of,
)
from recado.domain.watching import Begin, Command, End, Listing, Unclear, command_of
from recado.errors import InvalidInput, StoreError
from recado.watches import Watches

_log = logging.getLogger("recado.bot")

#: How many watches one person may have in a conversation; as many fit in a message everywhere.
MOST: Final = 50
#: Under which people can refuse them altogether.
CATEGORY: Final = "watches"

#: What Markdown would read as something else.
_SPECIAL: Final = re.compile(r"[\\|*_`~<>\[\]]")
_SINCE: Final[Mapping[Since, Phrase]] = {
    Since.NOTIFIED: "watch_since_notified",
    Since.MAXIMUM: "watch_since_maximum",
    Since.MINIMUM: "watch_since_minimum",
}
#: Of what changes all the time people are told at most so often.
_CALM: Final = timedelta(minutes=1)


class HasWatches(Protocol):
    """What the part needs of a Recado."""

    @property
    def watches(self) -> Watches:
        """The watches."""

    @property
    def clock(self) -> Clock:
        """The time."""

    async def remember(self, context: TurnContext) -> Reference:
        """The reference of a turn's conversation."""


def small_letters(product: str) -> str:
    """The subject of events that a product is, where producers write them in small letters."""
    return product.casefold()


class Watching:
    """Understands ``watch tea drop 20%``, ``watches`` and ``unwatch 3``.

    And the same in Spanish: ``vigila té baja 20%``, ``vigilancias``, ``deja 3``. In a group it is
    the person who asked that is told, there, and each has watches of their own.

    Args:
        recado: has the watches.
        subject: makes the subject of events out of a product as people write it.
        most: how many watches one person may have in a conversation.
    """

    in_dialogs = False

    def __init__(
        self,
        recado: HasWatches,
        *,
        subject: Callable[[str], str] = small_letters,
        most: int = MOST,
    ) -> None:
        self._recado = recado
        self._subject = subject
        self._most = most

    async def take(self, context: TurnContext) -> bool:
        """Answer a message about watches; whether it was one."""
        command = command_of(clean(said_to_bot(context.activity)) or "")
        if command is None:
            return False
        try:
            answer = await self._obey(context, command)
        except StoreError as fault:
            _log.error("Watches cannot be read or written: %s", fault)
            answer = phrase("watch_failed", context.activity.locale)
        if answer is None:
            return False
        # Plain, because it repeats words of people, and no format of theirs is meant.
        text_format = "markdown" if answer.startswith("|") else "plain"
        await context.send_activity(Activity(type="message", text=answer, text_format=text_format))
        return True

    async def _obey(self, context: TurnContext, command: Command) -> str | None:
        """Do what is asked; the answer, or None if it is for the bot after all."""
        asking = Asking(context.activity, await self._recado.remember(context))
        if asking.nobody:
            return None
        match command:
            case Begin():
                return await self._begin(asking, command)
            case Unclear(said):
                return asking.say(
                    "watch_unclear" if said else "watch_what", said=asking.words(said)
                )
            case Listing():
                return _table(await self._own(asking), asking)
            case End(int(number)):
                return await self._end(asking, number)
            case End():
                return asking.say("watch_number_missing")

    async def _begin(self, asking: Asking, wanted: Begin) -> str:
        own = await self._own(asking)
        subject, product = self._subject(wanted.product), asking.words(wanted.product)
        key = f"chat:{asking.token}"
        watch = next((each for each in own if each.key == key), None)  # it has come before
        if watch is None and len(own) >= self._most:
            return asking.say("watch_too_many", count=len(own), number=own[0].number)
        known = await self._known(subject)
        try:
            watch = watch or await self._recado.watches.create(
                Conversation(asking.here.id),
                subject=subject,
                rule=wanted.rule,
                content=_content(asking, wanted),
                repeat=True,
                cooldown=_CALM if isinstance(wanted.rule, Changes) else None,
                key=key,
                user=asking.speaker,
                asked_at=self._recado.clock.now(),
                category=CATEGORY,
            )
        except InvalidInput:
            return asking.say("watch_no_number", product=product, value=known)
        made = asking.say("watch_made", product=product, goal=_goal(wanted.rule, asking))
        heard = (
            asking.say("watch_unheard_of")
            if known is None
            else asking.say("watch_now", value=asking.words(known))
        )
        hint = asking.say("watch_end_hint", number=watch.number)
        return f"{made} {heard}\n\n{hint}"

    async def _known(self, subject: str) -> str | None:
        """The newest value of a subject, as people read it."""
        try:
            return shown(value_of(await self._recado.watches.newest(subject), None))
        except NoValueError:
            return None

    async def _end(self, asking: Asking, number: int) -> str:
        for watch in await self._own(asking):
            if watch.number == number:
                await self._recado.watches.cancel(watch.id)
                return asking.say("watch_ended", product=asking.words(watch.subject))
        return asking.say("watch_unknown", number=number)

    async def _own(self, asking: Asking) -> Sequence[Watch]:
        """The person's own watches here that have not ended."""
        found: list[Watch] = []
        after = None
        while True:
            page = await self._recado.watches.page(
                audience=Conversation(asking.here.id), after=after, limit=1000
            )
            found += [each for each in page.items if asking.user_id in (None, _user_of(each))]
            if page.next is None:
                return found
            after = page.next


def _user_of(watch: Watch) -> str | None:
    return None if watch.user is None else watch.user.get("id")


# -- what is said ----------------------------------------------------------------------------


def _content(asking: Asking, wanted: Begin) -> Mapping[str, Any]:
    """What the watch says when it speaks; in a group to who asked for it."""
    rule = wanted.rule
    said: Phrase
    match rule:
        case Moved():
            said = "watch_says_moved"
        case Beyond(down=True):
            said = "watch_says_limit_below"
        case Beyond():
            said = "watch_says_limit_above"
        case Crosses():
            said = "watch_says_crosses"
        case Changes():
            said = "watch_says_changes"
        case Equals():
            said = "watch_says_equals"
    limit = shown(rule.limit) if isinstance(rule, Beyond | Crosses) else ""
    product = _literal(asking.words(wanted.product))
    if asking.here.private or asking.speaker is None:
        return _message(asking.say(said, product=product, limit=limit), "plain")
    name = " ".join(str(asking.speaker.get("name") or asking.speaker["id"]).split())
    if channel_of(asking.activity) != "msteams":
        name = _literal(asking.words(name))
        return _message(f"{name}: {asking.say(said, product=product, limit=limit)}", "plain")
    # A mention is markup, so that everything else has to be written as markup, too.
    mention = f"<at>{html.escape(name, quote=False)}</at>"
    text = asking.say(said, product=html.escape(product, quote=False), limit=limit)
    mentioned = {"id": asking.speaker["id"], "name": name}
    entity = {"type": "mention", "mentioned": mentioned, "text": mention}
    return {**_message(f"{_literal(mention)} {text}", "xml"), "entities": [entity]}


def _message(text: str, text_format: str) -> dict[str, Any]:
    return {"type": "message", "text": text, "textFormat": text_format}


def _literal(text: str) -> str:
    """Text that a template says as it is."""
    return text.replace("{", "{{").replace("}", "}}")


def _goal(rule: AnyRule, asking: Asking) -> str:
    """When a watch speaks, in words."""
    match rule:
        case Moved():
            by = shown(rule.by)
            since = _SINCE.get(rule.since)
            return asking.say(
                "watch_goal_drop" if rule.down else "watch_goal_rise",
                by=asking.say("watch_share", by=by) if rule.share else by,
                since="" if since is None else asking.say(since),
            )
        case Beyond():
            name: Phrase = "watch_goal_below" if rule.down else "watch_goal_above"
            return asking.say(name, limit=shown(rule.limit))
        case Crosses():
            return asking.say("watch_goal_crosses", limit=shown(rule.limit))
        case Changes():
            return asking.say("watch_goal_changes")
        case Equals():
            return asking.say("watch_goal_equals", limit=asking.words(shown(rule.wanted)))


def _table(watches: Sequence[Watch], asking: Asking) -> str:
    if not watches:
        return asking.say("watch_none")
    lines = [asking.say("watch_list_header"), "| ---: | :--- | :--- | :--- |"]
    for watch in watches[-MOST:]:
        cells = (asking.words(watch.subject), _goal(watch.rule, asking), watch.baseline or "-")
        lines.append(f"| {watch.number} | {' | '.join(map(_cell, cells))} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Words as a cell of a Markdown table shows them, whatever they are."""
    return _SPECIAL.sub(r"\\\g<0>", text)
