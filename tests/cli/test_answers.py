"""`recado answers`: looked at, and called off."""

from __future__ import annotations

from recado.app import Recado
from tests.cli.kit import Database, Run


def test_from_looking_to_calling_off(run: Run, talking: Database) -> None:
    """Each command says what it found, or what became of it."""
    assert "recado.later" in run("answers", "list").err

    async def promise(recado: Recado) -> str:
        page = await recado.references.page()
        answer, _ = await recado.answers.promise(page.items[0], "report", {"rows": 3})
        return answer.id

    answer_id = talking.do(promise)
    (listed,) = run("answers", "list", "--json").json["items"]
    assert (listed["id"], listed["state"], listed["payload"]) == (
        answer_id,
        "promised",
        {"rows": 3},
    )
    assert run("answers", "list", "--state", "done", "--json").json["items"] == []
    assert "work: report" in run("answers", "show", answer_id).out
    assert run("answers", "show", answer_id, "--json").json == listed
    ended = run("answers", "cancel", answer_id)
    assert (ended.code, ended.out) == (0, f"The long answer {answer_id} is called off.\n")
    again = run("answers", "cancel", answer_id)
    assert (again.code, "is cancelled" in again.err) == (5, True)
    assert run("answers", "show", "none").code == 4
