"""The middleware: what happens around every turn of a bot that Recado is attached to."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from microsoft_agents.activity import Activity, ActivityTypes, ChannelAccount, RoleTypes
from microsoft_agents.hosting.core import TurnContext

from recado.bot.arrivals import Arrival, Repeats, named_by_id, take_arrival
from recado.bot.capture import channel_of, sighting_of
from recado.bot.faults import BotTurn, described, report
from recado.bot.lock import TurnLock
from recado.bot.parts import Parts
from recado.bot.run import Run, current_run
from recado.bot.state import own_state
from recado.clock import Clock
from recado.domain.ids import new_id
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
        parts: Parts,
        bot: str,
        turn_lock: bool = True,
    ) -> None:
        self._store = store
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
            async with self._turn(activity, answers=named_by_id(activity)) as turn:
                if turn.hold.repeated:
                    _log.info("Activity %r has come to another process too.", activity.id)
                    return
                await self._watched(context, self._before(logic))
        except BaseException:
            self._repeats.forget(activity)
            raise
        if turn.fault is not None:
            self._repeats.forget(activity)

    def _before(self, logic: Logic) -> Logic:
        """The bot's logic, behind the parts that answer in its place."""

        async def answered(context: TurnContext) -> None:
            if context.activity.type != ActivityTypes.message or not await self._parts.take(
                context, in_dialog=False
            ):
                await logic(context)

        return answered

    async def _deliver(self, context: TurnContext, logic: Logic, run: Run) -> None:
        """The turn of a delivery."""
        async with self._turn(context.activity):
            try:
                await logic(context)
            except Exception as fault:  # noqa: BLE001 - whatever it is belongs on the record
                run.error = fault

    async def _pass(self, context: TurnContext, logic: Logic, run: Run | None) -> None:
        """A turn that somebody else started."""
        outer = current_turn()
        if isinstance(outer, BotTurn) and _place(context.activity) == (
            outer.channel,
            outer.conversation_id,
        ):
            with outer.hold.shared(), own_state():
                await self._within(context, logic, run)
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
        self, activity: Activity, *, answers: str | None = None
    ) -> AsyncIterator[BotTurn]:
        """Everything that makes a block a turn; afterwards what it held back may leave."""
        place = _place(activity)
        turn = None
        try:
            async with self._lock.hold(place, answers) as hold:
                turn = BotTurn(new_id(), *place, hold)
                with in_turn(turn), own_state():
                    yield turn
                hold.answered = turn.fault is None
        finally:
            if turn is not None and turn.held:
                await self._release(turn)

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


def _place(activity: Activity) -> tuple[str, str]:
    return channel_of(activity), activity.conversation.id
