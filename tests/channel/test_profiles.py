from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from recado.channel.profiles import PUBLISHED, longest_window, profiles
from recado.config import Settings, load_settings
from recado.domain.pace import PARTS, Operation, Window, write_windows
from recado.errors import ConfigurationError


def test_the_published_windows_of_teams_are_kept() -> None:
    """All at once for each conversation, and the tenant's (protocol §4.1)."""
    teams = profiles()["msteams"]
    assert write_windows(teams.windows(Operation.SEND)) == "7/1s 8/2s 60/30s 1800/1h"
    assert (
        teams.windows(Operation.CREATE) == teams.windows(Operation.SEND, group=True) == teams.send
    )
    assert write_windows(teams.windows(Operation.ROSTER)) == "14/1s 16/2s 120/30s 3600/1h"
    assert teams.tenant == (Window(50, 1.0),)


@pytest.mark.parametrize("channel", sorted(PUBLISHED))
def test_every_profile_limits_something_and_says_where_that_is_published(channel: str) -> None:
    """A figure without a source is a guess."""
    assert not PUBLISHED[channel].unlimited
    assert "." in PUBLISHED[channel].source or "pages" in PUBLISHED[channel].source


def test_a_channel_without_figures_has_no_profile() -> None:
    """Nothing is published of Direct Line and the Emulator."""
    assert profiles().keys().isdisjoint({"directline", "webchat", "emulator", "test", "sms"})


def test_overrides_change_what_they_name() -> None:
    """A part, a whole channel, a channel without figures."""
    found = profiles(
        {"msteams": {"tenant": "30/1s"}, "slack": None, "test": {"send": "1/1s"}, "line": {}}
    )
    assert found["msteams"].tenant == (Window(30, 1.0),)
    assert found["msteams"].send == PUBLISHED["msteams"].send
    assert "slack" not in found
    assert found["test"].send == (Window(1, 1.0),)
    assert found["line"] == PUBLISHED["line"]


def test_what_has_to_be_remembered_follows_from_the_profiles() -> None:
    """A day for the mailbox; an hour for Teams; nothing without limits."""
    assert longest_window(profiles()) == timedelta(days=1)
    assert longest_window({"msteams": profiles()["msteams"]}) == timedelta(hours=1)
    assert longest_window({}) == timedelta(0)


# -- the setting -----------------------------------------------------------------------------


def test_the_pace_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written as JSON in a variable, or given as a value."""
    monkeypatch.chdir(tmp_path)
    written = '{"msteams": {"tenant": "30/1s", "roster": null}, "slack": null}'
    settings = load_settings(environ={"RECADO_PACE": written})
    assert settings == Settings(
        pace={"msteams": {"tenant": "30/1s", "roster": None}, "slack": None}
    )
    assert profiles(settings.pace)["msteams"].roster == ()
    assert profiles(Settings().pace) == profiles()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("fast", "write a JSON object, for example"),
        ('["msteams"]', "write a JSON object, for example"),
        ('{"msteams": "50/1s"}', "write a JSON object, for example"),
        ('{"msteams": {"tenant": 50}}', "write a JSON object, for example"),
        ('{"msteams": {"tennant": "50/1s"}}', f"a pace has the parts {', '.join(PARTS)}"),
        ('{"msteams": {"tenant": "fast"}}', "write a limit as requests/time, for example"),
        ('{"msteams": {"tenant": ""}}', "write at least one limit"),
        ('{"msteams": {"tenant": "0/1s"}}', "a window allows 1 or more"),
        ('{"msteams:COPILOT": null}', "name the channel without its sub-channel"),
    ],
)
def test_a_pace_that_cannot_be_used_is_refused(
    written: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a sentence that says how to write it, and not with its value."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=f"^RECADO_PACE: {told}"):
        load_settings(environ={"RECADO_PACE": written})
