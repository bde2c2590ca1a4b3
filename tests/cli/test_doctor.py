"""``recado doctor`` finds what is wrong, says what to do, and ends with 1."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recado.domain.reference import Presence
from recado.errors import ChannelError
from recado.testing import make_sighting
from tests.cli.kit import Database, Run, local
from tests.cli.process import started

_APP_ID = "11111111-1111-1111-1111-111111111111"


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else listens where doctor looks."""
    monkeypatch.setenv("RECADO_PORT", "0")


def _checks(run: Run, *words: str, code: int = 0) -> dict[str, tuple[str, str]]:
    """Status and detail of every check, by its name."""
    ended = run("doctor", "--json", *words)
    assert ended.code == code, ended.out
    document = ended.json
    assert list(document) == ["ok", "checks"]
    assert document["ok"] is (code == 0)
    assert all(list(check) == ["name", "status", "detail"] for check in document["checks"])
    return {check["name"]: (check["status"], check["detail"]) for check in document["checks"]}


def test_all_is_well(run: Run, talking: Database) -> None:
    """Every check by its name, in order."""
    checks = _checks(run)
    assert {name: status for name, (status, _) in checks.items()} == {
        "runtime": "ok",
        "settings": "ok",
        "exposure": "ok",
        "credentials": "skipped",
        "token": "skipped",
        "database": "ok",
        "service": "note",
        "port": "ok",
        "clock": "ok",
        "references": "ok",
        "backlog": "ok",
    }
    assert "2 looked at" in checks["references"][1]


def test_for_people(run: Run, talking: Database) -> None:
    """A mark for each, and no colour in a pipe."""
    ended = run("doctor")
    assert "✓ database: " in ended.out
    assert "\033" not in ended.out


def test_it_changes_nothing(run: Run, home: Path) -> None:
    """A database that does not exist is not made."""
    checks = _checks(run, "--database-url", "sqlite:///new/recado.db")
    assert checks["database"] == ("ok", f"{home}/new/recado.db does not exist yet and can be made.")
    assert not (home / "new").exists()


def test_a_place_nothing_can_be_made_in(run: Run, home: Path) -> None:
    """A file where a directory should be, or no right to write."""
    (home / "file").write_text("")
    status, detail = _checks(run, "--database-url", "sqlite:///file/recado.db", code=1)["database"]
    assert status == "failed"
    assert "cannot be made" in detail


def test_a_database_in_memory_is_noted(run: Run) -> None:
    """It is good for trying only."""
    assert _checks(run, "--database-url", "sqlite://")["database"][0] == "note"


def test_broken_settings_end_the_examination(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows from them cannot be known."""
    monkeypatch.setenv("RECADO_CONNECTIONS", "many")
    checks = _checks(run, code=1)
    assert list(checks) == ["runtime", "settings"]
    assert "RECADO_CONNECTIONS" in checks["settings"][1]


def test_half_a_credential(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An app id without a secret is told by the names that were used."""
    monkeypatch.setenv("MicrosoftAppId", _APP_ID)
    status, detail = _checks(run, code=1)["settings"]
    assert status == "failed"
    assert "MicrosoftAppPassword" in detail


def test_exposed_without_protection(
    run: Run, talking: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing before other machines may reach the server."""
    monkeypatch.setenv("RECADO_HOST", "0.0.0.0")
    status, detail = _checks(run, code=1)["exposure"]
    assert status == "failed"
    assert "RECADO_API_KEYS" in detail


def test_a_token_that_cannot_be_had(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The identity provider does not answer: a failure within the limit, with what to check."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        family = "CONNECTIONS__SERVICE_CONNECTION__SETTINGS__"
        port = silent.getsockname()[1]
        monkeypatch.setenv(f"{family}CLIENTID", _APP_ID)
        monkeypatch.setenv(f"{family}CLIENTSECRET", "secret-secret-secret")
        monkeypatch.setenv(f"{family}AUTHORITY", f"https://127.0.0.1:{port}/tenant")
        silent.close()
        checks = _checks(run, "--timeout", "10", code=1)
    assert checks["credentials"][0] == "ok"
    assert checks["credentials"][1].startswith(_APP_ID)
    status, detail = checks["token"]
    assert status == "failed"
    assert detail.startswith("The identity provider cannot be reached")
    assert "Check the app id" not in detail
    assert "secret-secret" not in detail


def test_credentials_that_are_refused(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The identity provider answers, so the network is not to blame."""

    class Refusing:
        async def token(self, bot: str) -> str:
            raise ChannelError("AADSTS7000215: Invalid client secret provided")

    monkeypatch.setattr("recado.channel.tokens.msal_tokens", lambda *_: Refusing())
    monkeypatch.setenv("MicrosoftAppId", _APP_ID)
    monkeypatch.setenv("MicrosoftAppPassword", "secret-secret-secret")
    status, detail = _checks(run, code=1)["token"]
    assert status == "failed"
    assert detail.endswith("Check the app id, the secret and its expiry date.")


def test_conversations_of_another_bot_are_named(
    run: Run, talking: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That none is known would be half the truth."""

    class Giving:
        async def token(self, bot: str) -> str:
            return "token"

    monkeypatch.setattr("recado.channel.tokens.msal_tokens", lambda *_: Giving())
    monkeypatch.setenv("MicrosoftAppId", _APP_ID)
    monkeypatch.setenv("MicrosoftAppPassword", "secret-secret-secret")
    assert "2 conversations belong to bot 'local'" in _checks(run)["references"][1]


def test_who_serves_is_found_out(
    run: Run, talking: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Recado on the port is no other program."""
    with started("serve", "--port", "0", "--json") as sidecar:
        port = sidecar.ready()["url"].rpartition(":")[2]
        monkeypatch.setenv("RECADO_PORT", port)
        checks = _checks(run)
        assert checks["service"][0] == "ok"
        assert checks["port"] == ("ok", f"A Recado answers at 127.0.0.1:{port}.")


def test_a_port_somebody_else_has(
    run: Run, talking: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said before the server fails to start."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("RECADO_PORT", str(other.getsockname()[1]))
        status, detail = _checks(run, code=1)["port"]
    assert status == "failed"
    assert "--port" in detail


def test_a_clock_that_is_behind(run: Run, database: Database) -> None:
    """A conversation seen in the future means that a clock is wrong."""
    database.remember(
        make_sighting("a:1", at=datetime.now(UTC) + timedelta(days=1), tenant_id=None)
    )
    status, detail = _checks(run, code=1)["clock"]
    assert status == "failed"
    assert "in the future" in detail


def test_a_reference_whose_service_url_is_forbidden(run: Run, database: Database) -> None:
    """With the URL, the reference, and the setting that would allow it."""
    database.remember(
        make_sighting("a:1", service_url="https://evil.example/", at=datetime.now(UTC))
    )
    status, detail = _checks(run, code=1)["references"]
    assert status == "failed"
    assert "RECADO_EXTRA_HOSTS" in detail


def test_a_backlog_nobody_delivers(run: Run, talking: Database) -> None:
    """Something is due and no process serves."""
    run("send", "user:ana", "hello", "--wait", "0")
    status, detail = _checks(run, code=1)["backlog"]
    assert status == "failed"
    assert "1 pending" in detail
    assert "recado serve" in detail


def test_what_waits_for_its_time_is_no_backlog(run: Run, talking: Database) -> None:
    """Scheduled deliveries are counted, not complained about."""
    run("send", "user:ana", "hello", "--when", "1h")
    assert _checks(run)["backlog"] == ("ok", "1 scheduled.")


def test_unreachable_conversations_are_counted(run: Run, talking: Database) -> None:
    """They are a fact of life, not a fault."""
    talking.remember(replace(local("conv-ben", "ben"), presence=Presence.LEFT))
    assert "1 of them unreachable" in _checks(run)["references"][1]
