"""The middleware: what happens around every turn of a bot that Recado is attached to."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from microsoft_agents.activity import Activity, ActivityTypes, ChannelAccount, RoleTypes
from microsoft_agents.hosting.core import TurnContext

from recado.bot.arrivals import Arrival, Repeats, named_by_id, take_arrival
from recado.bot.capture import channel_of, sighting_of, speaker_of
from recado.bot.dialogs import dialog_left
from recado.bot.faults import BotTurn, described, report
from recado.bot.lock import TurnLock
from recado.bot.marks import TurnMarks
from recado.bot.parts import Parts
from recado.bot.questions import Questions
from recado.bot.run import Run, current_run
from recado.bot.state import own_state
from recado.clock import Clock
from recado.domain.question import Overheard
from recado.domain.reference import ConversationKey
from recado.errors import StoreError
from recado.outbox import current_turn, in_turn
from recado.references import References
from recado.store.port import Store
from recado.telemetry import ServiceFailed, Telemetry

_log = logging.getLogger("recado.bot")

Logic = Callable[[TurnContext], Awaitable[object]]


class RecadoMiddleware:
    """Stands outermost, so that it sees a turn before and after everything else does.

    An inbound turn is captured, run once however often its activity is sent, and reported if it
    fails. The turn of a delivery keeps its error for the delivery's record, which is also why the
    adapter's ``on_turn_error`` never runs for it. Any other turn (the bot continues a conversation
    by itself, the SDK replays an activity) is left as it is. All of them have their own state, and
    wait for each other if they are of one conversation.

    Args:
        store: releases what a turn held back.
        references: takes what is captured.
        clock: the time.
        telemetry: hears of faults.
        marks: tells what goes on in conversations.
        questions: hears the answers to what notifications ask.
        parts: answer messages before the bot sees them.
        bot: the bot's name.
        turn_lock: whether turns of one conversation wait for each other.
    """

    def __init__(  # noqa: PLR0913 - one parameter a collaborator
        self,
        store: Store,
        references: References,
        clock: Clock,
        telemetry: Telemetry,
        *,
        marks: TurnMarks,
        questions: Questions,
        parts: Parts,
        bot: str,
        turn_lock: bool = True,
    ) -> None:
        self._store = store
        self._marks = marks
        self._questions = questions
        self._parts = parts
        self._references = references
        self._clock = clock
        self._telemetry = telemetry
        self._bot = bot
        self._repeats = Repeats()
        self._lock = TurnLock(store, clock, bot=bot, active=turn_lock)

    async def on_turn(self, context: TurnContext, logic: Logic) -> None:
        """Run the rest of the pipeline as a turn."""
        run = current_run()
        if run is not None and run.event is context.activity:
            await self._deliver(context, logic, run)
            return
        arrival = take_arrival(context.activity)
        if arrival is not None:
            await self._receive(context, logic, arrival)
        else:
            await self._pass(context, logic, run)

    async def _receive(self, context: TurnContext, logic: Logic, arrival: Arrival) -> None:
        """An inbound turn."""
        activity = arrival.activity
        if not self._repeats.admit(activity):
            _log.info("Activity %r has come again and is not run again.", activity.id)
            return
        if activity.recipient is None:
            # Some Direct Line servers leave it out (protocol §10) and bots do not expect that.
            activity.recipient = ChannelAccount(id=self._bot, role=RoleTypes.agent)
        try:
            await self._capture(arrival)
            spoke = _is_said(activity) and speaker_of(activity, self._bot) is not None
            named = named_by_id(activity)
            async with self._turn(activity, answers=named, spoke=spoke) as turn:
                if turn.hold.repeated:
                    _log.info("Activity %r has come to another process too.", activity.id)
                    return
                await self._watched(context, self._before(logic, turn))
        except BaseException:
            self._repeats.forget(activity)
            raise
        if turn.fault is not None:
            self._repeats.forget(activity)

    def _before(self, logic: Logic, turn: BotTurn) -> Logic:
        """The bot's logic, behind whoever answers in its place."""

        async def answered(context: TurnContext) -> None:
            if context.activity.type == ActivityTypes.event:
                await self._parts.hear(context)
            if context.activity.type != ActivityTypes.message or not await self._taken(context):
                turn.heard = _is_said(context.activity)
                await logic(context)

        return answered

    async def _taken(self, context: TurnContext) -> bool:
        """Whether somebody has answered a message in the bot's place.

        What says itself that it answers a question does, whatever else goes on; what the parts
        know is for them; what comes next after a question answers it.
        """
        if not (self._parts or self._questions.heard_here):
            return False
        heard = await self._overheard(context.activity)
        return (
            await self._questions.take_pointed(context, heard)
            or await self._parts.take(context, in_dialog=heard.in_dialog)
            or await self._questions.take_next(context, heard)
        )

    async def _overheard(self, activity: Activity) -> Overheard:
        """What has to be known to tell whom a message is for, as it was when its turn began."""
        key = self._key(activity)
        await self._marks.ended(key)
        try:
            return await self._store.overhear(key, activity.id, self._clock.now())
        except StoreError as error:
            _log.warning("Whether a question was asked in %r is not known: %s", key, error)
            return Overheard()

    async def _deliver(self, context: TurnContext, logic: Logic, run: Run) -> None:
        """The turn of a delivery."""
        async with self._turn(context.activity):
            try:
                await logic(context)
            except Exception as fault:  # noqa: BLE001 - whatever it is belongs on the record
                run.error = fault
        # What stands behind it in its lane is to find the dialog that it may have left.
        await self._marks.written()

    async def _pass(self, context: TurnContext, logic: Logic, run: Run | None) -> None:
        """A turn that somebody else started."""
        outer = current_turn()
        if isinstance(outer, BotTurn) and _place(context.activity) == (
            outer.channel,
            outer.conversation_id,
        ):
            with outer.hold.shared(), own_state() as loaded:
                await self._within(context, logic, run)
                outer.dialog = _newer(dialog_left(loaded), outer.dialog)
        else:
            async with self._turn(context.activity):
                await self._within(context, logic, run)

    async def _within(self, context: TurnContext, logic: Logic, run: Run | None) -> None:
        if run is None:
            await self._watched(context, logic)
            return
        # Within a delivery's turn: raised, the adapter would apologise to people for it.
        try:
            await logic(context)
        except Exception as fault:  # noqa: BLE001 - as in _deliver
            run.error = fault

    async def _watched(self, context: TurnContext, logic: Logic) -> None:
        try:
            await logic(context)
        except Exception as fault:
            report(self._telemetry, context.activity.conversation.id, fault)
            raise

    @asynccontextmanager
    async def _turn(
        self, activity: Activity, *, answers: str | None = None, spoke: bool = False
    ) -> AsyncIterator[BotTurn]:
        """Everything that makes a block a turn; afterwards what it held back may leave."""
        place = _place(activity)
        mark = self._marks.begin(self._key(activity), spoke=spoke)
        turn = None
        try:
            async with self._lock.hold(place, answers) as hold:
                turn = BotTurn(mark.turn, *place, hold)
                with in_turn(turn), own_state() as loaded:
                    try:
                        yield turn
                    finally:
                        turn.dialog = _newer(dialog_left(loaded), turn.dialog)
                hold.answered = turn.fault is None
        finally:
            heard = turn is not None and turn.heard
            self._marks.end(mark, heard=heard, dialog=None if turn is None else turn.dialog)
            if turn is not None and turn.held:
                # What waited for the turn's end leaves before what was said in it.
                await self._marks.written()
                await self._release(turn)

    def _key(self, activity: Activity) -> ConversationKey:
        channel, conversation_id = _place(activity)
        return ConversationKey(bot=self._bot, channel=channel, conversation_id=conversation_id)

    async def _capture(self, arrival: Arrival) -> None:
        """Take in what the activity tells. The bot answers even if that cannot be stored."""
        seen = sighting_of(arrival.activity, self._bot, self._clock.now(), arrival.body)
        if seen is None:
            return
        try:
            await self._references.remember(seen)
        except Exception as error:  # noqa: BLE001 - logged, with all there is to know
            # It is stored with the first commit that succeeds, which is better than never.
            self._references.remember_later(seen)
            _log.exception("What %r tells was not stored yet.", seen.key)
            self._telemetry.emit(ServiceFailed(service="capture", error=described(error)))

    async def _release(self, turn: BotTurn) -> None:
        try:
            await self._store.release_turn(turn.id)
        except StoreError as error:
            # They leave by themselves later: the store limits how long it waits for a turn.
            self._telemetry.emit(ServiceFailed(service="turn release", error=str(error)))


def _is_said(activity: Activity) -> bool:
    """Whether it is a person's turn to speak: they wrote, or pressed something."""
    return activity.type in (ActivityTypes.message, ActivityTypes.invoke)


def _newer(found: bool | None, before: bool | None) -> bool | None:  # noqa: FBT001 - two of a kind
    """What was found last, if anything was."""
    return before if found is None else found


def _place(activity: Activity) -> tuple[str, str]:
    return channel_of(activity), activity.conversation.id
