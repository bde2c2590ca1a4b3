"""The jobs bot: what people and job systems say to it, and what it says."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from microsoft_agents.activity import Activity

from recado.bot.jobs_bot import create_jobs_bot
from recado.bot.words import words_of
from recado.domain.job import JobScope
from recado.domain.phrases import phrase
from recado.errors import StoreUnavailable
from recado.telemetry import TurnFailed
from tests.bot.kit import ANA, BEN, BOT, Bench, activity, group, message

STARTED = "We're starting job 1 for you. We'll notify you when it's complete."
OTHER = {"conversation": {"id": "b:ben|live"}, "from_": BEN}
HELP = phrase("jobs_help", "en")


@pytest.fixture
async def jobs_bench(bench: Bench) -> Bench:
    """The bench with the jobs bot."""
    bench.attach(create_jobs_bot(bench.bridge))
    return bench


async def test_a_job_from_start_to_end(jobs_bench: Bench) -> None:
    """Started in one conversation, completed in another, told in the first."""
    assert await jobs_bench.say("run") == [STARTED]
    assert await jobs_bench.say("done 1", **OTHER) == ["Completing job 1."]
    claim = await jobs_bench.claim()
    assert claim.conversation_id == "a:ana"
    assert claim.content is not None
    assert "Job 1 is complete." in claim.content
    assert await jobs_bench.say("done 1", **OTHER) == ["Job 1 is already complete."]


async def test_completion_in_ones_own_conversation_comes_after_the_answer(
    jobs_bench: Bench,
) -> None:
    """First "Completing", then "complete"."""
    await jobs_bench.say("run")
    assert await jobs_bench.say("done 1") == ["Completing job 1."]
    assert await jobs_bench.deliver() == ["Job 1 is complete."]


@pytest.mark.parametrize("text", ["run", "run job", " RUN \n", "Run  Job"])
async def test_run(jobs_bench: Bench, text: str) -> None:
    """Case and spaces do not matter."""
    assert await jobs_bench.say(text) == [STARTED]


async def test_a_message_sent_again_starts_one_job(jobs_bench: Bench) -> None:
    """Neither in this process nor, told by the activity's id, in one that was started anew."""
    told = message("run")
    await jobs_bench.receive(told)
    await jobs_bench.receive(told)
    assert jobs_bench.channel.texts == [STARTED]
    anew = Bench(store=jobs_bench.store)
    anew.attach(create_jobs_bot(anew.bridge))
    await anew.receive(told)
    assert anew.channel.texts == [STARTED]
    assert len((await jobs_bench.store.jobs(None)).items) == 1


async def test_a_job_belongs_to_who_started_it(jobs_bench: Bench) -> None:
    """Its user is the sender, with all that is known of them."""
    await jobs_bench.say("run", conversation=group(), from_=ANA | {"newer": 1})
    job = (await jobs_bench.store.jobs(None)).items[0]
    assert job.user == ANA | {"newer": 1}
    assert job.conversation_id == "19:group@thread.v2"


async def test_show(jobs_bench: Bench) -> None:
    """A Markdown table with real newlines, ids up to the first bar."""
    assert await jobs_bench.say("show") == ["The job log is empty."]
    await jobs_bench.say("run")
    await jobs_bench.say("run", **OTHER)
    await jobs_bench.say("done 2")
    (said,) = await jobs_bench.say("show jobs")
    assert said == (
        "| Job number | Conversation ID | Completed |\n"
        "| :--- | :---: | :---: |\n"
        "| 1 | a:ana | False |\n"
        "| 2 | b:ben | True |"
    )
    assert jobs_bench.channel.sent[-1].activity["textFormat"] == "markdown"


async def test_a_long_log_is_shortened(jobs_bench: Bench) -> None:
    """The latest are shown, and how many are not."""
    for _ in range(103):
        await jobs_bench.say("run")
    (said,) = await jobs_bench.say("show")
    assert said is not None
    assert "| 54 |" in said
    assert "| 103 |" in said
    assert "| 53 |" not in said
    assert said.endswith("53 earlier jobs are not shown.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("done", 'Enter the job ID number after "done".'),
        ("done soon", 'Enter the job ID number after "done".'),
        ("done 1 2", 'Enter the job ID number after "done".'),
        ("done 7", "The log does not contain a job 7."),
        ("DONE  7 ", "The log does not contain a job 7."),
        ("done 0", "The log does not contain a job 0."),
        ("done -1", "The log does not contain a job -1."),
        (f"done {2**64}", f"The log does not contain a job {2**64}."),
        ("done " + "9" * 5000, 'Enter the job ID number after "done".'),
        ("hello", HELP),
        ("runaway", HELP),
        ("", HELP),
        (None, HELP),
    ],
)
async def test_other_messages(jobs_bench: Bench, text: str | None, said: str) -> None:
    """Everything is answered, with or without text."""
    assert await jobs_bench.say(text) == [said]


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("<at>Bot</at> run", "<at>Bot</at>"),
        ("<at>Bot</at>&nbsp;run\n", "<at>Bot</at>"),
        ("@bot run", "@bot"),
        ("run <at>Bot</at>", "<at>Bot</at>"),
        ("<at>Bot</at> run", None),
        ('<at id="0">Bot</at> run', None),
    ],
)
def test_the_bots_name_is_no_part_of_the_words(text: str, mention: str | None) -> None:
    """Mentioned by an entity, or only by markup."""
    entities = [{"type": "mention", "mentioned": BOT, "text": mention}] if mention else None
    told = message(text, entities=entities)
    assert words_of(Activity.model_validate(told)) == ["run"]


@pytest.mark.parametrize("text", ["<at>", "<at ", "<at>x</"])
def test_markup_without_an_end_is_read_quickly(text: str) -> None:
    """Whoever writes a great deal of it keeps nobody else waiting."""
    activity = Activity.model_validate(message(text * 40_000))
    began = time.process_time()
    words_of(activity)
    assert time.process_time() - began < 5


def test_odd_mentions_are_tolerated() -> None:
    """Entities without text or account are no mention of the bot."""
    entities: list[dict[str, Any]] = [
        {"type": "mention"},
        {"type": "mention", "mentioned": BOT},
        {"type": "mention", "mentioned": BEN, "text": "run"},
    ]
    assert words_of(Activity.model_validate(message("run", entities=entities))) == ["run"]


# -- events ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["jobComplete", "jobCompleted"])
@pytest.mark.parametrize("value", [1, "1", " 1 ", 1.0], ids=repr)
async def test_a_job_system_completes_a_job(jobs_bench: Bench, name: str, value: object) -> None:
    """From any conversation, with the number in either form; the second time nothing happens."""
    await jobs_bench.say("run")
    for _ in range(2):
        await jobs_bench.receive(activity("event", name=name, value=value, **OTHER))
    assert await jobs_bench.deliver() == ["Job 1 is complete."]
    assert jobs_bench.channel.texts == [STARTED]


@pytest.mark.parametrize("value", [None, True, "x", 1.5, {"n": 1}, 9, "-1"], ids=repr)
async def test_an_event_about_no_job_is_ignored_and_logged(
    jobs_bench: Bench, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is told, but the log is."""
    await jobs_bench.say("run")
    with caplog.at_level(logging.WARNING, "recado.bot"):
        await jobs_bench.receive(activity("event", name="jobComplete", value=value))
    assert "ignored" in caplog.text
    assert await jobs_bench.deliver() == []


async def test_other_activities_are_not_answered(jobs_bench: Bench) -> None:
    """Events of other names, reactions, and the bot's own proactive turn."""
    await jobs_bench.receive(activity("event", name="other", value=1))
    await jobs_bench.receive(activity("messageReaction"))
    assert (await jobs_bench.run_turn("bot")).error is None
    assert jobs_bench.channel.sent == []


# -- welcome ---------------------------------------------------------------------------------


async def test_who_joins_is_welcomed(jobs_bench: Bench) -> None:
    """People, by name where it is known, and not the bot itself."""
    added = [BOT, ANA, {"id": "29:x"}]
    await jobs_bench.receive(activity("conversationUpdate", membersAdded=added))
    assert jobs_bench.channel.texts == [f"Welcome, Ana.\n\n{HELP}", f"Welcome.\n\n{HELP}"]


@pytest.mark.parametrize("added", [None, [], [BOT], [{"name": "nobody"}]])
async def test_nobody_is_welcomed_when_nobody_joins(
    jobs_bench: Bench, added: list[dict[str, Any]] | None
) -> None:
    """An update without people is not answered."""
    await jobs_bench.receive(activity("conversationUpdate", membersAdded=added))
    assert jobs_bench.channel.sent == []


# -- languages, scopes, failures -------------------------------------------------------------


async def test_spanish(jobs_bench: Bench) -> None:
    """Answers in the language of the activity, completion in that of the conversation."""
    started = "Empezamos el trabajo 1. Te avisaremos cuando esté terminado."
    assert await jobs_bench.say("run", locale="es-ES") == [started]
    assert await jobs_bench.say("done 1", **OTHER) == ["Completing job 1."]
    assert await jobs_bench.deliver() == ["El trabajo 1 está terminado."]


async def test_each_tenant_has_its_own_log() -> None:
    """With credentials, numbers are counted per tenant and are not seen by others."""
    bench = Bench(bot="app-1")
    await bench.store.open()
    bench.attach(create_jobs_bot(bench.bridge))
    assert await bench.say("run") == [STARTED]
    elsewhere = {"conversation": {"id": "c", "tenantId": "tenant-2"}, "channelData": None}
    assert await bench.say("done 1", **elsewhere) == ["The log does not contain a job 1."]
    assert await bench.say("run", **elsewhere) == [STARTED]
    scope = JobScope(bot="app-1", tenant="tenant-2")
    assert len((await bench.store.jobs(scope)).items) == 1
    assert await bench.say("done 1") == ["Completing job 1."]
    await bench.store.close()


async def test_without_credentials_there_is_one_log(jobs_bench: Bench) -> None:
    """In demo mode whatever a client says about tenants does not matter."""
    await jobs_bench.say("run")
    tenant = {"conversation": {"id": "c", "tenantId": "tenant-2"}}
    assert await jobs_bench.say("done 1", **tenant) == ["Completing job 1."]


@pytest.mark.parametrize(
    ("text", "verb"), [("run", "start_job"), ("show", "jobs"), ("done 1", "complete_job")]
)
async def test_a_failing_log_is_answered(
    jobs_bench: Bench, monkeypatch: pytest.MonkeyPatch, text: str, verb: str
) -> None:
    """Reading or writing: the person learns that it did not work, and nothing is lost."""

    async def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("The database is locked.")

    await jobs_bench.say("run")
    with monkeypatch.context() as patch:
        patch.setattr(jobs_bench.store, verb, fail)
        assert await jobs_bench.say(text) == [phrase("job_log_failed", "en")]
    assert [event.proactive for event in jobs_bench.told(TurnFailed)] == [False]
    assert await jobs_bench.say("done 1") == ["Completing job 1."]


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", "Sorry, it looks like something went wrong."),
        ("es", "Lo siento, parece que algo ha ido mal."),
    ],
)
async def test_an_exception_is_logged_and_answered(
    jobs_bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    locale: str,
    said: str,
) -> None:
    """An apology in the person's language, the facts in the log."""

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret details")

    monkeypatch.setattr(jobs_bench.store, "start_job", fail)
    assert await jobs_bench.say("run", locale=locale) == [said]
    assert "secret details" in caplog.text
    assert len(jobs_bench.told(TurnFailed)) == 1


async def test_a_turn_may_start_several_jobs(bench: Bench) -> None:
    """Each is its own, and sent again they are the same."""
    numbers: list[list[int]] = []

    class Bot:
        async def on_turn(self, context: Any) -> None:
            jobs = [await bench.bridge.jobs.start(context, title=title) for title in ("a", "b")]
            numbers.append([job.number for job in jobs])
            raise RuntimeError("so that it may come again")

    bench.attach(Bot())
    told = message("go")
    await bench.receive(told)
    await bench.receive(told)
    assert numbers == [[1, 2], [1, 2]]
