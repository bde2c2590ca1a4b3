"""Settings: where they are read from, what is refused, and what must not be exposed."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from microsoft_agents.authentication.msal import MsalConnectionManager
from pydantic import ValidationError

from recado.config import (
    Settings,
    check_exposure,
    is_loopback,
    load_settings,
    sdk_configuration,
)
from recado.database_url import PostgresAddress, SqliteFile
from recado.domain.policy import RetryPolicy
from recado.domain.politeness import Rules
from recado.domain.politeness.counting import Cap
from recado.errors import ConfigurationError

KEY = "0123456789abcdef-key"
AGENTS = "CONNECTIONS__SERVICE_CONNECTION__SETTINGS__"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads the .env file of whoever runs it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(env: dict[str, str] | None = None, **flags: Any) -> Settings:
    """Settings from nothing but what the test says."""
    return load_settings(environ=env or {}, **flags)


# -- reading ---------------------------------------------------------------------------------


def test_defaults_are_those_of_the_design() -> None:
    """Nothing set: loopback, port 3978, a file in the user's data directory, no credentials."""
    settings = load()
    assert (settings.host, settings.port, settings.bot) == ("127.0.0.1", 3978, "local")
    assert isinstance(settings.database, SqliteFile)
    assert settings.database.path is not None
    assert settings.database.path.name == "recado.db"
    assert settings.database.path.is_absolute()
    assert settings.retry_policy() == RetryPolicy()
    assert not settings.exposed


def test_flags_win_over_the_environment_and_that_over_the_file(elsewhere: Path) -> None:
    """One name, three places, a fixed order."""
    (elsewhere / ".env").write_text("RECADO_PORT=1\nRECADO_CONNECTIONS=1\nRECADO_HOST=::1\n")
    settings = load({"RECADO_PORT": "2", "RECADO_CONNECTIONS": "2"}, port=3)
    assert (settings.port, settings.connections, settings.host) == (3, 2, "::1")


def test_a_flag_that_is_none_was_not_given() -> None:
    """Command lines hand over every flag; those left out do not hide the environment."""
    assert load({"RECADO_PORT": "5000"}, port=None).port == 5000


def test_making_settings_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings() is a value; only load_settings looks at the environment."""
    monkeypatch.setenv("RECADO_PORT", "1234")
    assert Settings().port == 3978
    assert load_settings().port == 1234


def test_port_is_read_from_PORT_too() -> None:  # noqa: N802 - the variable's name
    """PORT is what hosting services set; RECADO_PORT is more to the point."""
    assert load({"PORT": "8000"}).port == 8000
    assert load({"PORT": "8000", "RECADO_PORT": "9000"}).port == 9000


def test_empty_variables_are_not_set() -> None:
    """Compose files pass on variables that nobody filled in."""
    assert load({"RECADO_PORT": "", "RECADO_API_KEYS": " ", "MicrosoftAppId": ""}) == load()


def test_lists_are_written_with_commas_or_lines() -> None:
    """Lists come from variables, from files, or as lists."""
    assert load({"RECADO_EXTRA_HOSTS": "A.example, b.example,"}).extra_hosts == (
        "a.example",
        "b.example",
    )
    assert load(extra_hosts=("c.example",)).extra_hosts == ("c.example",)


def test_retry_settings_become_the_policy() -> None:
    """The settings' units are the policy's durations."""
    policy = load({"RECADO_GIVE_UP_AFTER_HOURS": "2", "RECADO_KEEP_LANE_SECONDS": "5"})
    assert policy.retry_policy().give_up_after == timedelta(hours=2)
    assert policy.retry_policy().keep_lane == timedelta(seconds=5)


def test_settings_are_frozen() -> None:
    """Nobody changes how a process runs while it runs."""
    with pytest.raises(ValidationError):
        setattr(Settings(), "port", 1)  # noqa: B010 - mypy knows that it cannot be set


# -- secrets ---------------------------------------------------------------------------------


def test_no_secret_is_in_the_representation() -> None:
    """Settings end up in logs and bug reports."""
    settings = load(
        {"RECADO_API_KEYS": KEY, "MicrosoftAppId": "app", "MicrosoftAppPassword": "pw!"}
    )
    assert KEY not in repr(settings) + str(settings)
    assert "pw!" not in repr(settings) + repr(settings.credentials)


@pytest.mark.parametrize(
    ("name", "value"),
    [("RECADO_API_KEYS", "short"), ("RECADO_PORT", "secret-by-mistake"), ("RECADO_HOTS", "oops")],
)
def test_no_value_is_in_an_error(name: str, value: str) -> None:
    """A misplaced secret must not be told to a log by the complaint about it."""
    with pytest.raises(ConfigurationError) as caught:
        load({name: value})
    assert value not in str(caught.value)
    assert name in str(caught.value)


def test_secrets_can_stand_in_files(elsewhere: Path) -> None:
    """<NAME>_FILE names a file, as container secrets do; one key a line."""
    (elsewhere / "keys").write_text(f"{KEY}-1\n{KEY}-2\n")
    (elsewhere / "pw").write_text("from-file\n")
    settings = load(
        {
            "RECADO_API_KEYS_FILE": "keys",
            "MicrosoftAppId": "app",
            "MicrosoftAppPassword_FILE": str(elsewhere / "pw"),
        }
    )
    assert [key.get_secret_value() for key in settings.api_keys] == [f"{KEY}-1", f"{KEY}-2"]
    assert settings.credentials is not None
    assert settings.credentials.secret is not None
    assert settings.credentials.secret.get_secret_value() == "from-file"


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"RECADO_API_KEYS_FILE": "gone"}, "RECADO_API_KEYS_FILE: gone cannot be read"),
        ({"RECADO_API_KEYS_FILE": "gone", "RECADO_API_KEYS": KEY}, "both set"),
    ],
)
def test_a_secret_file_has_to_be_there_and_alone(env: dict[str, str], told: str) -> None:
    """A secret that is silently empty, or silently another one, is worse than a refusal."""
    with pytest.raises(ConfigurationError, match=told):
        load(env)


# -- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"RECADO_DATBASE_URL": "x"}, "did you mean RECADO_DATABASE_URL"),
        ({"RECADO_API_KEY": KEY}, "did you mean RECADO_API_KEYS"),
        ({"RECADO_QWERTZ": "x"}, "known are RECADO_"),
        ({"RECADO_PORT": "many"}, "RECADO_PORT: .*integer"),
        ({"RECADO_PORT": "70000"}, "RECADO_PORT: .*65535"),
        ({"RECADO_LEASE_SECONDS": "1"}, "RECADO_LEASE_SECONDS: .*5"),
        ({"RECADO_DEMO": "perhaps"}, "RECADO_DEMO"),
        ({"RECADO_LOG_LEVEL": "loud"}, "RECADO_LOG_LEVEL: .*debug"),
        ({"RECADO_APP": "my_bot"}, "RECADO_APP: .*module:attribute"),
        ({"RECADO_CA_FILE": "gone.pem"}, "RECADO_CA_FILE: there is no such file"),
        ({"RECADO_EXTRA_HOSTS": "https://x.example/"}, "RECADO_EXTRA_HOSTS: .*host names"),
        ({"RECADO_PUBLIC_URL": "bot.example.com"}, "RECADO_PUBLIC_URL: .*https"),
        ({"RECADO_API_KEYS": "short"}, "RECADO_API_KEYS: .*16"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(env: dict[str, str], told: str) -> None:
    """Each sentence names the variable and what to write."""
    with pytest.raises(ConfigurationError, match=told):
        load(env)


def test_every_fault_is_told_at_once() -> None:
    """Nobody wants to find them one start at a time."""
    with pytest.raises(ConfigurationError) as caught:
        load({"RECADO_PORT": "x", "RECADO_CONNECTIONS": "0"})
    assert len(str(caught.value).splitlines()) == 2


def test_faults_of_every_kind_are_told_together() -> None:
    """Unknown names, malformed values and half a credential."""
    with pytest.raises(ConfigurationError) as caught:
        load({"RECADO_HOTS": "x", "RECADO_CONNECTIONS": "0", "MicrosoftAppId": "a"})
    told = str(caught.value).splitlines()
    assert len(told) == 3
    for words in ("RECADO_HOTS is not", "MicrosoftAppId is set without", "RECADO_CONNECTIONS: "):
        assert sum(words in line for line in told) == 1, words


@pytest.mark.parametrize(
    ("env", "flags", "told"),
    [
        ({"PORT": "many"}, {}, "PORT: "),
        ({"RECADO_PORT": "many"}, {}, "RECADO_PORT: "),
        ({"PORT": "many", "RECADO_PORT": "more"}, {}, "RECADO_PORT: "),
        ({"PORT": "many"}, {"port": "x"}, "--port (RECADO_PORT): "),
        ({"RECADO_LEASE_SECONDS": "9"}, {"lease_seconds": 1}, "--lease-seconds (RECADO_LEASE_"),
    ],
)
def test_a_fault_is_told_where_it_is(env: dict[str, str], flags: dict[str, Any], told: str) -> None:
    """Under the name that was written, not another one that means the same."""
    with pytest.raises(ConfigurationError) as caught:
        load(env, **flags)
    assert str(caught.value).startswith(told)


def test_an_unknown_flag_is_refused() -> None:
    """A typing error in code is answered like one in the environment."""
    with pytest.raises(ConfigurationError, match="did you mean port"):
        load(prot=1)


def test_variables_kubernetes_makes_for_a_service_are_no_settings() -> None:
    """A Service called recado puts RECADO_PORT=tcp://… into every pod beside it."""
    env = {
        "RECADO_PORT": "tcp://10.0.0.1:3978",
        "RECADO_SERVICE_HOST": "10.0.0.1",
        "RECADO_SERVICE_PORT": "3978",
        "RECADO_SERVICE_PORT_HTTP": "3978",
        "RECADO_PORT_3978_TCP": "tcp://10.0.0.1:3978",
        "RECADO_PORT_3978_TCP_ADDR": "10.0.0.1",
    }
    assert load(env) == load()


@pytest.mark.parametrize("env", [{"botFilePath": "x.bot"}, {"botFileSecret": "s"}])
def test_bot_files_of_old_samples_are_answered(env: dict[str, str]) -> None:
    """Who follows the old tutorial is told what to set instead."""
    with pytest.raises(ConfigurationError, match="MicrosoftAppId and MicrosoftAppPassword"):
        load(env)


def test_a_bot_file_is_no_app() -> None:
    """The same, when it is given where a bot is expected."""
    with pytest.raises(ConfigurationError, match="MicrosoftAppId"):
        load(app="sample.bot")


def test_a_settings_file_that_is_asked_for_has_to_exist() -> None:
    """Only the default .env may be missing."""
    with pytest.raises(ConfigurationError, match=r"no file prod\.env"):
        load(env_file="prod.env")


# -- the database ----------------------------------------------------------------------------


def test_a_database_url_says_which_database(elsewhere: Path) -> None:
    """How URLs are read is told in test_database_url.py."""
    assert load(database_url="sqlite:///a.db").database == SqliteFile(elsewhere / "a.db")
    shown = load(database_url="postgresql://ana:pw@db/recado").database.shown
    assert shown == "postgresql://ana@db/recado"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://u:pw@db", "names no database"),
        ("postgresql://u:pw/1@db/recado", "%2F"),
        ("mysql://u:pw@db/recado", "sqlite:///relative/path"),
        ("sqlite:///recado.db?mode=ro", "no options"),
    ],
)
def test_other_databases_are_refused_with_what_to_write(url: str, told: str) -> None:
    """Whatever is in the URL, the sentence holds no password."""
    with pytest.raises(ConfigurationError, match=rf"^RECADO_DATABASE_URL: .*{told}") as caught:
        load({"RECADO_DATABASE_URL": url})
    assert "pw" not in str(caught.value)


def test_a_password_stands_in_a_file_of_its_own(elsewhere: Path) -> None:
    """The URL can then be seen by everybody; it goes to the server and into no text."""
    (elsewhere / "password").write_text("s3cret/w@rd\n")
    settings = load(
        {
            "RECADO_DATABASE_URL": "postgresql://ana@db/recado",
            "RECADO_DATABASE_PASSWORD_FILE": str(elsewhere / "password"),
        }
    )
    database = settings.database
    assert isinstance(database, PostgresAddress)
    assert database.dsn == "postgresql://ana:s3cret%2Fw%40rd@db/recado"
    for text in (repr(settings), str(settings), repr(database), database.shown):
        assert "s3cret" not in text


def test_a_password_in_the_url_wins() -> None:
    """It is meant for that database; the other one may be left from elsewhere."""
    database = load(
        {
            "RECADO_DATABASE_URL": "postgresql://ana:near@db/recado",
            "RECADO_DATABASE_PASSWORD": "far",
        }
    ).database
    assert isinstance(database, PostgresAddress)
    assert database.dsn == "postgresql://ana:near@db/recado"


def test_a_password_does_not_trouble_a_file(elsewhere: Path) -> None:
    """SQLite has no users."""
    settings = load({"RECADO_DATABASE_PASSWORD": "pw"}, database_url="sqlite:///a.db")
    assert settings.database == SqliteFile(elsewhere / "a.db")


@pytest.mark.parametrize("many", ["1", "201", "all"])
def test_connections_have_bounds(many: str) -> None:
    """One is not enough to look while something is written."""
    with pytest.raises(ConfigurationError, match="RECADO_DATABASE_CONNECTIONS"):
        load({"RECADO_DATABASE_CONNECTIONS": many})
    assert load({"RECADO_DATABASE_CONNECTIONS": "2"}).database_connections == 2


# -- credentials -----------------------------------------------------------------------------


def test_the_agents_sdk_family_wins_over_the_bot_framework_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The order is documented, and which one won is logged, without secrets."""
    caplog.set_level(logging.INFO, "recado")
    settings = load(
        {
            f"{AGENTS}CLIENTID": "agents",
            f"{AGENTS}CLIENTSECRET": "s3cret",
            f"{AGENTS}TENANTID": "t-1",
            "MicrosoftAppId": "framework",
            "MicrosoftAppPassword": "s4cret",
        }
    )
    assert settings.bot == "agents"
    assert settings.credentials is not None
    assert settings.credentials.app_type == "SingleTenant"
    assert "from CONNECTIONS__" in caplog.text
    assert "ignored: MicrosoftApp*" in caplog.text
    assert "cret" not in caplog.text.replace("CLIENTSECRET", "")


def test_explicit_credentials_win_over_both() -> None:
    """Whole families win, never a mixture."""
    env = {"MicrosoftAppId": "env", "MicrosoftAppPassword": "env", "MicrosoftAppType": "nonsense"}
    settings = load(env, app_id="flag", app_password="flag-pw")
    assert settings.bot == "flag"
    assert settings.credentials is not None
    assert settings.credentials.source == "arguments"


def test_an_empty_app_id_asks_for_local_testing() -> None:
    """As in the documented samples; whatever else is set."""
    settings = load({"MicrosoftAppId": "env", "MicrosoftAppPassword": "pw"}, app_id="")
    assert settings.credentials is None
    assert settings.bot == "local"


def test_variables_are_found_in_any_case() -> None:
    """Windows knows upper case only."""
    assert load({"MICROSOFTAPPID": "a", "microsoftapppassword": "b"}).bot == "a"


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"MicrosoftAppId": "a"}, "MicrosoftAppId is set without MicrosoftAppPassword"),
        ({"MicrosoftAppPassword": "b"}, "MicrosoftAppPassword is set without MicrosoftAppId"),
        ({f"{AGENTS}CLIENTID": "a"}, f"{AGENTS}CLIENTSECRET"),
        (
            {
                "MicrosoftAppId": "a",
                "MicrosoftAppPassword": "b",
                "MicrosoftAppType": "SingleTenant",
            },
            "set MicrosoftAppTenantId",
        ),
        (
            {"MicrosoftAppId": "a", "MicrosoftAppPassword": "b", "MicrosoftAppType": "Triple"},
            "MultiTenant, SingleTenant, UserAssignedMSI",
        ),
        (
            {f"{AGENTS}CLIENTID": "a", f"{AGENTS}AUTHTYPE": "certificate"},
            "ClientSecret or UserManagedIdentity",
        ),
    ],
)
def test_half_a_credential_is_refused(env: dict[str, str], told: str) -> None:
    """A bot that cannot get a token should not find out with its first message."""
    with pytest.raises(ConfigurationError) as caught:
        load(env)
    assert told in str(caught.value)


def test_a_managed_identity_needs_no_secret() -> None:
    """That is its point."""
    env = {"MicrosoftAppId": "a", "MicrosoftAppType": "UserAssignedMSI"}
    credentials = load(env).credentials
    assert credentials is not None
    assert (credentials.secret, credentials.app_type) == (None, "UserAssignedMSI")
    same = load({f"{AGENTS}CLIENTID": "a", f"{AGENTS}AUTHTYPE": "UserManagedIdentity"})
    assert same.credentials is not None
    assert same.credentials.app_type == "UserAssignedMSI"


@pytest.mark.parametrize(
    ("env", "tenant", "auth_type"),
    [
        ({"MicrosoftAppId": "a", "MicrosoftAppPassword": "b"}, "botframework.com", "ClientSecret"),
        (
            {
                "MicrosoftAppId": "a",
                "MicrosoftAppPassword": "b",
                "MicrosoftAppType": "SingleTenant",
                "MicrosoftAppTenantId": "t",
            },
            "t",
            "ClientSecret",
        ),
        (
            {"MicrosoftAppId": "a", "MicrosoftAppType": "UserAssignedMSI"},
            "botframework.com",
            "UserManagedIdentity",
        ),
        (
            {f"{AGENTS}CLIENTID": "a", f"{AGENTS}CLIENTSECRET": "b", f"{AGENTS}TENANTID": "common"},
            "botframework.com",
            "ClientSecret",
        ),
    ],
)
def test_the_sdk_understands_the_credentials(
    env: dict[str, str], tenant: str, auth_type: str
) -> None:
    """The SDK's own connection manager is built from them."""
    manager = MsalConnectionManager(**sdk_configuration(load(env).credentials))
    configuration = manager.get_default_connection_configuration()
    assert configuration.CLIENT_ID == "a"
    assert tenant == configuration.TENANT_ID
    assert auth_type == configuration.AUTH_TYPE
    assert configuration.VALIDATE_ISSUER
    assert not configuration.ANONYMOUS_ALLOWED


def test_further_sdk_settings_are_passed_on_but_cannot_open_the_door() -> None:
    """Sovereign clouds need AUTHORITY and SCOPES; nobody needs anonymous callers."""
    settings = load(
        {
            f"{AGENTS}CLIENTID": "a",
            f"{AGENTS}CLIENTSECRET": "b",
            f"{AGENTS}TENANTID": "t",
            f"{AGENTS}AUTHORITY": "https://login.microsoftonline.us/t",
            f"{AGENTS}SCOPES__0": "https://api.botframework.us/.default",
            f"{AGENTS}ANONYMOUS_ALLOWED": "true",
            f"{AGENTS}VALIDATE_ISSUER": "false",
        }
    )
    manager = MsalConnectionManager(**sdk_configuration(settings.credentials))
    configuration = manager.get_default_connection_configuration()
    assert configuration.AUTHORITY == "https://login.microsoftonline.us/t"
    assert configuration.SCOPES == ["https://api.botframework.us/.default"]
    assert configuration.VALIDATE_ISSUER
    assert not configuration.ANONYMOUS_ALLOWED


def test_without_credentials_the_sdk_is_anonymous() -> None:
    """MsalConnectionManager() without settings raises; with these it does not."""
    manager = MsalConnectionManager(**sdk_configuration(None))
    assert manager.get_default_connection_configuration().ANONYMOUS_ALLOWED


# -- exposure (promise 9) ---------------------------------------------------------------------


CREDENTIALS = {"MicrosoftAppId": "a", "MicrosoftAppPassword": "b"}
KEYS = {"RECADO_API_KEYS": KEY}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "LOCALHOST", "::1"])
def test_loopback_needs_nothing(host: str) -> None:
    """Without credentials everything works on loopback."""
    check_exposure(load(host=host))
    check_exposure(load(host=host, demo=True))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "bot.example.com", "", "0"])
def test_other_interfaces_need_credentials_and_keys(host: str) -> None:
    """The sentence names exactly what is missing."""
    assert not is_loopback(host)
    check_exposure(load({**CREDENTIALS, **KEYS}, host=host))
    with pytest.raises(ConfigurationError) as caught:
        check_exposure(load(host=host))
    assert "MicrosoftAppId" in str(caught.value)
    assert "RECADO_API_KEYS" in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        check_exposure(load(CREDENTIALS, host=host))
    assert "MicrosoftAppId" not in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        check_exposure(load(KEYS, host=host))
    assert "RECADO_API_KEYS" not in str(caught.value)


def test_a_public_address_exposes_a_loopback_server() -> None:
    """A tunnel or proxy in front of 127.0.0.1 is the same as listening everywhere."""
    with pytest.raises(ConfigurationError, match=r"https://bot\.example\.com"):
        check_exposure(load(public_url="https://bot.example.com"))
    check_exposure(load(public_url="http://localhost:3978"))


def test_demo_mode_is_for_loopback_only() -> None:
    """Also when everything else is configured."""
    for flags in ({"host": "0.0.0.0"}, {"public_url": "https://bot.example.com"}):
        with pytest.raises(ConfigurationError, match=r"Demo mode.*use `recado serve`") as caught:
            check_exposure(load({**CREDENTIALS, **KEYS}, demo=True, **flags))
        assert "RECADO_DEMO" not in str(caught.value)  # most likely nobody has set it


# -- politeness ------------------------------------------------------------------------------


def test_nothing_is_held_back_unless_it_is_configured() -> None:
    """Neither hours nor caps; and the check of either is one attribute."""
    rules = load().rules()
    assert rules == Rules()
    assert not rules.for_nobody.hours
    assert not rules.counts


def test_one_setting_turns_on_what_is_recommended() -> None:
    """What the others say comes before it, also that there is to be none."""
    rules = load({"RECADO_POLITENESS": "Recommended"}).rules()
    assert rules.quiet == "21:00-08:00"
    assert {name: str(cap) for name, cap in rules.caps.items()} == {"": "10/day", "*": "3/day"}
    assert rules.interval == timedelta(seconds=60)
    others = load(
        {
            "RECADO_POLITENESS": "recommended",
            "RECADO_QUIET_HOURS": "off",
            "RECADO_CAPS": "5/h",
            "RECADO_MIN_INTERVAL_SECONDS": "0",
        }
    ).rules()
    assert (others.quiet, others.interval) == (None, None)
    assert {name: str(cap) for name, cap in others.caps.items()} == {"": "5/h"}
    assert load({"RECADO_POLITENESS": "recommended", "RECADO_CAPS": "off"}).rules().caps == {}


def test_hours_and_caps_are_text_or_json_by_category() -> None:
    """Or, in code, what JSON would be."""
    windows = '{"": "mon-fri 9-18", "prices": "10-12", "news": "off"}'
    env = {"RECADO_WINDOWS": windows, "RECADO_CAPS": '{"prices": "1/30min"}'}
    env["RECADO_ZONE"] = "europe/madrid"
    rules = load(env | {"RECADO_WINDOW_SPREAD_MINUTES": "1"}).rules()
    assert rules.windows == {"": "mon-fri 9-18", "prices": "10-12"}
    assert rules.caps == {"prices": Cap(1, timedelta(minutes=30))}
    assert (rules.zone, rules.spread) == ("Europe/Madrid", timedelta(minutes=1))
    assert load({"RECADO_WINDOWS": "mon-fri 9-18"}).rules().windows == {"": "mon-fri 9-18"}
    assert Settings(caps={"": "2/h"}, windows={"": "9-18"}).rules().counts  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"ZONE": "Europe/Madird"}, "RECADO_ZONE: There is no time zone 'Europe/Madird': did you "),
        ({"QUIET_HOURS": "late"}, "RECADO_QUIET_HOURS: 'late' in 'late' is no day"),
        ({"QUIET_HOURS": "00:00-24:00"}, "RECADO_QUIET_HOURS: Nothing would ever be sent"),
        ({"WINDOWS": "{9-18"}, "RECADO_WINDOWS: write mon-fri 09:00-18:00, or a JSON object"),
        ({"WINDOWS": '{"a": 3}'}, "RECADO_WINDOWS: write mon-fri 09:00-18:00, or a JSON object"),
        ({"CAPS": "0/day"}, "RECADO_CAPS: '0/day': a cap is of 1 to 1000 messages"),
        ({"CAPS": "[]"}, "RECADO_CAPS: '[]' is no cap: write it as 10/day"),
        ({"POLITENESS": "very"}, "RECADO_POLITENESS: it has to be 'off' or 'recommended'."),
        ({"WINDOW_SPREAD_MINUTES": "x"}, "RECADO_WINDOW_SPREAD_MINUTES: it has to be a number."),
        ({"MIN_INTERVAL_SECONDS": "-1"}, "SECONDS: it has to be greater than or equal to 0."),
        (
            {"POLITENESS": "recommended", "WINDOWS": '{"late": "22:00-23:00"}'},
            "RECADO_POLITENESS: Nothing of category 'late' would ever be sent",
        ),
    ],
)
def test_hours_and_caps_that_cannot_be_are_refused(env: dict[str, str], told: str) -> None:
    """With what is wrong and how to write it."""
    with pytest.raises(ConfigurationError) as caught:
        load({f"RECADO_{name}": value for name, value in env.items()})
    assert told in str(caught.value)


# -- documentation ---------------------------------------------------------------------------


def test_every_setting_is_documented() -> None:
    """The page explains each variable with its default, and no variable that is gone."""
    page = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text()
    for name, field in Settings.model_fields.items():
        if name == "credentials":
            continue
        row = f"| `RECADO_{name.upper()}` |"
        assert row in page, row
        assert str(field.description).rstrip(".") in page, name
    rows = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `RECADO_")}
    there = {f"RECADO_{name.upper()}" for name in Settings.model_fields}
    assert rows - there == {
        "RECADO_API_KEYS_FILE",
        "RECADO_DATABASE_URL_FILE",
        "RECADO_DATABASE_PASSWORD_FILE",
    }
