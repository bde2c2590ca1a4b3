"""Long answers from the person's side: what they are told, and when, whatever goes wrong."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from typing import Any

import pytest
from microsoft_agents.activity import Activity
from microsoft_agents.hosting.core import TurnContext

from recado.bot.answering import Answering
from recado.domain.answer import AnswerState
from recado.errors import AnswerOver, ConfigurationError, InvalidInput, StoreUnavailable
from recado.store.port import DeliveryFilter
from recado.testing import FOR_EVER, Operation, faults
from tests.answers.kit import Stage, play

_ALL = DeliveryFilter()
LATE = "Sorry, what you asked me for is taking too long, so I stopped."
FAILED = "Sorry, I could not finish what you asked me for."
INTERRUPTED = "Sorry, I was interrupted while I worked on what you asked me for. Please ask again."


def promising(stage: Stage, work: Any, **options: Any) -> None:
    """Have the bot promise an answer to whoever says "report"."""

    async def turn(context: TurnContext) -> None:
        await stage.recado.later(context, work, {"rows": 3}, **{"ack": "On it…"} | options)

    stage.bot.turns["report"] = turn


# -- the promise, and the turn ---------------------------------------------------------------


def test_the_conversation_goes_on_while_the_answer_is_made() -> None:
    """The turn ends with the acknowledgement, and the next ones are answered meanwhile."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            await stage.sleep(60)
            await answer.send(f"{payload['rows']} rows")

        promising(stage, report)
        begun = stage.clock.now()
        await stage.say("report")
        await stage.say("hello")
        assert stage.clock.now() - begun < timedelta(seconds=1)
        await stage.over(AnswerState.DONE)
        assert stage.texts() == ["On it…", "echo hello", "3 rows"]
        assert stage.clock.now() - begun >= timedelta(seconds=60)

    play(scene)


def test_a_work_begins_after_its_turn() -> None:
    """However long that goes on after the promise."""

    async def scene(stage: Stage) -> None:
        order: list[str] = []

        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            order.append("work")
            await answer.send("done")

        async def turn(context: TurnContext) -> None:
            await stage.recado.later(context, report, ack="On it…")
            await stage.sleep(40)  # longer than a lease
            order.append("turn")

        stage.bot.turns["report"] = turn
        await stage.say("report")
        await stage.over(AnswerState.DONE)
        assert order == ["turn", "work"]

    play(scene)


def test_the_promise_is_committed_before_it_is_acknowledged() -> None:
    """What is acknowledged is kept, and what cannot be kept is not acknowledged."""

    async def scene(stage: Stage) -> None:
        known: list[int] = []

        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            await answer.send("done")

        async def turn(context: TurnContext) -> None:
            async def look(_: Any, __: Any, go_on: Any) -> Any:
                known.append(len((await stage.recado.answers.page()).items))
                return await go_on()

            context.on_send_activities(look)
            await stage.recado.later(context, report, ack="On it…")

        stage.bot.turns["report"] = turn
        await stage.say("report")
        assert known[0] == 1

    play(scene)


@pytest.mark.parametrize(
    "fault", [faults.throttled(1), faults.BLOCKED, faults.SERVER_ERROR, faults.TAKE_AND_CUT]
)
def test_a_promise_stands_whatever_becomes_of_its_acknowledgement(fault: Any) -> None:
    """The channel refuses it, or nobody knows whether it has it."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            await stage.sleep(30)
            await answer.send("done")

        promising(stage, report)
        stage.channel.fail(fault)
        await stage.say("report")
        await stage.over(AnswerState.DONE)
        assert stage.texts()[-1] == "done"

    play(scene)


def test_an_activity_that_comes_again_promises_nothing_more() -> None:
    """Of a turn that promises twice each is known again; other activities are other causes."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            await answer.send(f"report {payload}")

        fails = [True, False]

        async def turn(context: TurnContext) -> None:
            for number in (1, 2):
                await stage.recado.later(context, report, number)
            if fails.pop(0):
                raise RuntimeError("so that it is run again")

        stage.bot.turns["report"] = turn
        for _ in range(2):
            await stage.say("report", id="activity-1")
        await stage.sleep(10)
        assert len((await stage.recado.answers.page()).items) == 2
        said = [each for each in stage.texts() if each.startswith("report")]
        assert sorted(said) == ["report 1", "report 2"]

    play(scene)


def test_nothing_is_promised_that_cannot_be_kept() -> None:
    """Bad input raises, says what to do, and stores nothing."""

    async def scene(stage: Stage) -> list[str]:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            """Never run."""

        async def other(answer: Answering, payload: Any) -> None:
            """Not registered."""

        async def odd(answer: Answering) -> None:
            """Takes too little."""

        told: list[str] = []

        async def turn(context: TurnContext) -> None:
            tries: list[tuple[Any, dict[str, Any]]] = [
                (report, {"deadline": timedelta(0)}),
                (report, {"deadline": timedelta(days=8)}),
                (report, {"deadline": 600}),
                (report, {"payload": object()}),
                (report, {"fallback": ""}),
                ("", {}),
                (other, {}),
                ("report", {"resumable": False}),
                (odd, {"resumable": False}),
            ]
            for work, options in tries:
                with pytest.raises((InvalidInput, ConfigurationError)) as refused:
                    await stage.recado.later(context, work, **options)
                told.append(str(refused.value))

        stage.bot.turns["report"] = turn
        await stage.say("report")
        assert (await stage.recado.answers.page()).items == []
        return told

    told = play(scene)
    assert len(told) == 9
    assert "decorate it" in told[6]


def test_works_are_registered_once_and_in_one_form() -> None:
    """Another function of that name, or one that is no work, is refused."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            """One."""

        stage.recado.work("report")(report)
        with pytest.raises(ConfigurationError, match="already"):

            @stage.recado.work("report")
            async def again(answer: Answering, payload: Any) -> None:
                """Another."""

        with pytest.raises(ConfigurationError, match="coroutine"):
            stage.recado.work("plain")(lambda answer, payload: None)  # type: ignore[type-var]
        with pytest.raises(ConfigurationError, match="text of 1"):
            stage.recado.work("")

    play(scene)


def test_a_function_needs_a_recado_that_runs() -> None:
    """Nobody else could run it."""

    async def scene(stage: Stage) -> None:
        async def report(answer: Answering, payload: Any) -> None:
            """Never run."""

        async def turn(context: TurnContext) -> None:
            with pytest.raises(ConfigurationError, match="not started"):
                await stage.recado.later(context, report, resumable=False)

        stage.bot.turns["report"] = turn
        await stage.stop_works()
        await stage.say("report")

    play(scene)


# -- what is said ----------------------------------------------------------------------------


def test_several_messages_come_in_order() -> None:
    """As text, as JSON and as an activity."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            await answer.send("one")
            await answer.send({"type": "message", "text": "two"})
            await answer.send(Activity(type="message", text="three"))

        promising(stage, report)
        await stage.say("report")
        answer = await stage.over(AnswerState.DONE)
        assert stage.texts() == ["On it…", "one", "two", "three"]
        assert answer.sends == 3

    play(scene)


def test_progress_is_one_message_that_changes_and_becomes_the_answer() -> None:
    """Where the channel can edit."""

    async def scene(stage: Stage) -> None:
        seen: list[list[str]] = []

        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            for share in (0.1, 0.4, 0.9):
                await answer.progress(share, "reading")
                await stage.sleep(10)
                seen.append(stage.texts())
            await answer.send("all of it")
            await answer.send("and more")

        promising(stage, report)
        await stage.say("report")
        await stage.over(AnswerState.DONE)
        assert [each[-1] for each in seen] == [
            "reading (10 %)",
            "reading (40 %)",
            "reading (90 %)",
        ]
        assert {len(each) for each in seen} == {2}
        assert stage.texts() == ["On it…", "all of it", "and more"]
        assert len(stage.edits()) == 3

    play(scene)


def test_progress_is_a_few_messages_where_nothing_can_be_edited() -> None:
    """One in 30 s at most, and the answer follows."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            for step in range(50):
                await answer.progress(step / 50)
                await stage.sleep(1)
            await answer.send("all of it")

        promising(stage, report)
        await stage.say("report")
        await stage.over(AnswerState.DONE)
        assert stage.texts() == ["On it…", "0 %", "58 %", "all of it"]
        assert stage.edits() == []

    play(scene, channel="directline")


def test_only_the_newest_unsent_progress_goes_out() -> None:
    """A thousand steps are a few edits, each of what was newest then."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            for step in range(1000):
                await answer.progress(step / 1000, f"step {step}")
                await stage.sleep(0.01)
            await stage.sleep(5)
            await answer.send("all of it")

        promising(stage, report)
        await stage.say("report")
        await stage.over(AnswerState.DONE)
        shown = [each.asked.body["text"] for each in stage.edits()[:-1]]
        assert 3 <= len(shown) <= 7
        assert shown[-1] == "step 999 (99 %)"
        assert stage.texts() == ["On it…", "all of it"]

    play(scene)


def test_a_slow_channel_is_not_told_what_is_old() -> None:
    """What was committed and has not left is left out for what is newer, and for the answer."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            for step in range(10):
                await answer.progress(step / 10)
                await stage.sleep(3)
            await answer.send("all of it")

        promising(stage, report)
        await stage.say("report")
        await stage.until(lambda: "0 %" in stage.texts())
        stage.channel.fail(faults.throttled(60), operation=Operation.UPDATE, times=1)
        await stage.over(AnswerState.DONE)
        assert stage.texts() == ["On it…", "all of it"]
        assert len(stage.edits()) == 2  # the refused one, and the answer

    play(scene)


def test_the_answer_is_said_by_itself_if_it_cannot_take_the_place() -> None:
    """The progress was refused for good, or its message has gone meanwhile."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            await answer.progress(0.5)
            await stage.sleep(10)
            await answer.send("all of it")

        promising(stage, report)
        stage.channel.fail(
            faults.error(404, "ActivityNotFoundInConversation"),
            operation=Operation.UPDATE,
            times=FOR_EVER,
        )
        await stage.say("report")
        await stage.over(AnswerState.DONE)
        await stage.until(lambda: "all of it" in stage.texts(), 30)
        assert stage.texts().count("all of it") == 1

    play(scene)


def test_an_answer_whose_progress_was_refused_arrives() -> None:
    """A channel that does not take the one may take the other."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            answer.typing(shown=False)
            await stage.sleep(1)
            stage.channel.fail(faults.error(400, "BadArgument"), operation=Operation.SEND)
            await answer.progress(0.5)
            await stage.sleep(10)
            await answer.send("all of it")

        promising(stage, report)
        await stage.say("report")
        await stage.over(AnswerState.DONE)
        await stage.until(lambda: "all of it" in stage.texts(), 30)
        assert stage.texts() == ["On it…", "all of it"]

    play(scene)


def test_progress_has_to_be_one() -> None:
    """A share beyond all, or words that are none, raise in the work."""

    async def scene(stage: Stage) -> None:
        told: list[str] = []

        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            for share, text in ((1.1, None), (-0.1, None), ("half", None), (True, None), (0.5, "")):
                with pytest.raises(InvalidInput) as refused:
                    await answer.progress(share, text)  # type: ignore[arg-type]
                told.append(str(refused.value))
            with pytest.raises(InvalidInput):
                await answer.send("")
            await answer.send("fine")

        promising(stage, report)
        await stage.say("report")
        answer = await stage.over(AnswerState.DONE)
        assert len(told) == 5
        assert (answer.sends, stage.texts()[-1]) == (1, "fine")

    play(scene)


# -- when it comes to nothing ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("fallback", "locale", "said"),
    [
        ("Not today.", None, "Not today."),
        ({"type": "message", "text": "Card"}, None, "Card"),
        (None, "en", FAILED),
        (None, "es-MX", "Lo siento, no he podido terminar lo que me pediste."),
    ],
)
def test_the_fallback_is_said_when_the_work_fails(
    fallback: Any, locale: str | None, said: str
) -> None:
    """The stated one, or a sentence in the language of the conversation; once."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            await stage.sleep(5)
            raise ValueError("no such rows")

        promising(stage, report, fallback=fallback)
        await stage.say("report", **{"locale": locale} if locale else {})
        answer = await stage.over(AnswerState.FAILED)
        await stage.sleep(60)
        assert stage.texts() == ["On it…", said]
        assert (answer.reason, answer.detail) == ("raised", "ValueError: no such rows")

    play(scene)


def test_a_work_that_says_nothing_has_failed() -> None:
    """Unless it says that there is nothing to say."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("silent")
        async def silent(answer: Answering, payload: Any) -> None:
            """Forgets to answer."""

        @stage.recado.work("content")
        async def content(answer: Answering, payload: Any) -> None:
            answer.nothing_to_say()

        for work in (silent, content):
            promising(stage, work)
            await stage.say("report")
            await stage.sleep(5)
        assert stage.texts() == ["On it…", FAILED, "On it…"]
        assert [(each.state, each.reason) for each in stage.ended] == [
            ("failed", "silent"),
            ("done", None),
        ]

    play(scene)


def test_the_fallback_is_said_when_the_deadline_passes() -> None:
    """To the moment; the work is stopped, and nothing it says is taken any more."""

    async def scene(stage: Stage) -> None:
        late: list[str] = []

        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            try:
                await stage.sleep(3600)
            finally:
                assert answer.over
                for say in (answer.send("too late"), answer.progress(1)):
                    with pytest.raises(AnswerOver):
                        await say
                    late.append("refused")

        promising(stage, report, deadline=timedelta(minutes=2), fallback="Not in time.")
        begun = stage.clock.now()
        await stage.say("report")
        answer = await stage.over(AnswerState.EXPIRED)
        assert stage.texts() == ["On it…", "Not in time."]
        assert late == ["refused"] * 2
        assert answer.ended_at is not None
        assert (answer.ended_at - begun).total_seconds() == pytest.approx(120, abs=0.2)

    play(scene)


def test_a_deadline_passes_for_work_that_nobody_has() -> None:
    """A name that no process has registered waits, and then the fallback is said."""

    async def scene(stage: Stage) -> None:
        promising(stage, "elsewhere", deadline=timedelta(minutes=1))
        await stage.say("report")
        answer = await stage.over(AnswerState.EXPIRED)
        assert (stage.texts(), answer.attempts) == (["On it…", LATE], 0)

    play(scene)


def test_what_is_called_off_says_nothing_more() -> None:
    """Its work is stopped at once, and calling it off twice is refused."""

    async def scene(stage: Stage) -> None:
        stopped: list[str] = []

        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            try:
                await stage.sleep(600)
            except asyncio.CancelledError:
                stopped.append(answer.id)
                raise

        promising(stage, report)
        await stage.say("report")
        await stage.sleep(5)
        answer = await stage.only()
        ended = await stage.recado.answers.cancel(answer.id)
        assert ended.state is AnswerState.CANCELLED
        await stage.sleep(1)
        assert stopped == [answer.id]
        with pytest.raises(AnswerOver):
            await stage.recado.answers.cancel(answer.id)
        await stage.sleep(900)
        assert stage.texts() == ["On it…"]

    play(scene)


def test_a_database_that_is_away_for_a_moment_is_not_the_works_fault() -> None:
    """It is run again, and what it had said is not said again."""

    async def scene(stage: Stage) -> None:
        runs: list[int] = []

        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            runs.append(answer.attempt)
            await answer.send("one")
            if len(runs) == 1:
                raise StoreUnavailable("The database is away.")
            await answer.send("two")

        promising(stage, report)
        await stage.say("report")
        await stage.over(AnswerState.DONE)
        assert (stage.texts(), runs) == (["On it…", "one", "two"], [1, 2])

    play(scene)


# -- how many at once ------------------------------------------------------------------------


def test_so_many_works_run_at_once_and_the_others_wait() -> None:
    """In order, conversations in turn; all are answered."""

    async def scene(stage: Stage) -> None:
        now: set[str] = set()
        most: list[int] = []
        order: list[str] = []

        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            now.add(answer.id)
            most.append(len(now))
            order.append(answer.reference.key.conversation_id)
            await stage.sleep(20)
            now.discard(answer.id)
            await answer.send("done")

        promising(stage, report)
        for _ in range(6):
            await stage.say("report", "a:ana")
        await stage.say("report", "a:ben")
        await stage.until(lambda: len(stage.ended) == 7)
        assert max(most) == 2
        assert order.index("a:ben") == 2  # not behind all of Ana's
        assert {each.state for each in stage.ended} == {"done"}

    play(scene, works=2)


# -- typing ----------------------------------------------------------------------------------


def test_typing_is_shown_while_a_work_runs() -> None:
    """Every few seconds, not more often than is allowed, and no longer than the work."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            await stage.sleep(60)
            await answer.send("done")
            await stage.sleep(20)

        promising(stage, report)
        await stage.say("report")
        begun = stage.clock.now()
        answer = await stage.over(AnswerState.DONE)
        await stage.sleep(60)
        typed = stage.typed()
        assert answer.ended_at is not None
        assert 15 <= len(typed) <= 22
        pauses = [(b - a).total_seconds() for a, b in itertools.pairwise(typed)]
        assert min(pauses) >= 3
        assert begun <= typed[0] <= begun + timedelta(seconds=2)
        assert typed[-1] <= answer.ended_at
        # None of it was a delivery.
        assert len((await stage.recado.outbox.deliveries(_ALL)).items) == 1

    play(scene)


def test_typing_can_be_left_out() -> None:
    """By the work, and be shown again."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            answer.typing(shown=False)
            await stage.sleep(30)
            before = len(stage.typed())
            answer.typing()
            await stage.sleep(10)
            assert len(stage.typed()) > before
            await answer.send("done")

        promising(stage, report)
        await stage.say("report")
        await stage.until(lambda: bool(stage.ended))
        assert len(stage.typed()) <= 5
        assert stage.ended[0].state == "done"

    play(scene)


def test_typing_is_for_channels_that_show_it() -> None:
    """Others would take it for a message."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            await stage.sleep(30)
            await answer.send("done")

        promising(stage, report)
        await stage.say("report")
        await stage.over(AnswerState.DONE)
        assert stage.texts() == ["On it…", "done"]
        assert stage.typed() == []

    play(scene, channel="sms")


def test_a_work_whose_own_task_was_cancelled_has_failed() -> None:
    """That is not the work's being cancelled, and people are told."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            inner = asyncio.create_task(stage.sleep(60))
            await stage.sleep(1)
            inner.cancel()
            await inner

        promising(stage, report)
        await stage.say("report")
        answer = await stage.over(AnswerState.FAILED, within=10)
        assert (answer.reason, answer.detail) == ("raised", "CancelledError")
        assert stage.texts() == ["On it…", FAILED]

    play(scene)


def test_typing_waits_for_nothing_and_takes_no_room_from_messages() -> None:
    """Where the pace has no room it is left out; what counts, counts typing too."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            await stage.sleep(120)
            await answer.send("done")

        promising(stage, report)
        await stage.say("report")
        await stage.over(AnswerState.DONE)
        # 3 in a minute: the acknowledgement and two signs; never more.
        for start in stage.typed():
            window = [t for t in stage.typed() if start <= t < start + timedelta(minutes=1)]
            assert len(window) <= 3
        assert 1 <= len(stage.typed()) <= 9

    play(scene, pace={"msteams": {"send": "3/60s", "tenant": None}})


# -- stopping --------------------------------------------------------------------------------


def test_a_work_that_ends_within_the_grace_has_ended() -> None:
    """A stop waits for it."""

    async def scene(stage: Stage) -> None:
        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            await stage.sleep(8)
            await answer.send("just in time")

        promising(stage, report)
        await stage.say("report")
        await stage.sleep(2)
        await stage.stop_works()
        assert (await stage.only()).state is AnswerState.DONE
        await stage.quiet()
        assert stage.texts() == ["On it…", "just in time"]

    play(scene)


def test_a_work_that_is_cut_off_goes_on_with_the_next_start() -> None:
    """From its beginning, without repeating what it had said; the stop is no attempt."""

    async def scene(stage: Stage) -> None:
        attempts: list[int] = []

        @stage.recado.work("report")
        async def report(answer: Answering, payload: Any) -> None:
            attempts.append(answer.attempt)
            await answer.send("one")
            await stage.sleep(60)
            await answer.send("two")

        promising(stage, report)
        await stage.say("report")
        await stage.sleep(5)
        await stage.stop_works()
        assert (await stage.only()).state is AnswerState.PROMISED
        stage.start_works()
        await stage.over(AnswerState.DONE)
        assert stage.texts() == ["On it…", "one", "two"]
        assert attempts == [1, 1]

    play(scene)


def test_people_are_apologised_to_for_what_cannot_go_on() -> None:
    """What runs and what waits, when its process stops; once."""

    async def scene(stage: Stage) -> None:
        async def report(answer: Answering, payload: Any) -> None:
            await stage.sleep(600)
            await answer.send("never")

        promising(stage, report, resumable=False)
        for _ in range(2):
            await stage.say("report")
        await stage.sleep(2)
        await stage.stop_works()
        # At once, and not when a lease has run out.
        assert [each.state for each in stage.ended] == ["apologised"] * 2
        stage.start_works()
        await stage.quiet()
        await stage.sleep(900)
        assert stage.texts() == ["On it…", "On it…", INTERRUPTED, INTERRUPTED]
        assert [each.state for each in stage.ended] == ["apologised"] * 2

    play(scene, works=1)


def test_a_function_that_cannot_be_resumed_answers() -> None:
    """A closure, in this process."""

    async def scene(stage: Stage) -> None:
        prefix = "from a closure"

        async def report(answer: Answering, payload: Any) -> None:
            await stage.sleep(45)  # longer than a lease
            await answer.send(f"{prefix}: {payload['rows']}")

        promising(stage, report, resumable=False)
        await stage.say("report")
        answer = await stage.over(AnswerState.DONE)
        assert stage.texts() == ["On it…", "from a closure: 3"]
        assert "report" in answer.work

    play(scene)
