"""The outbound host allow-list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyreqwest.http import Url

from recado.channel.hosts import HostRules, other_cloud
from recado.errors import ConfigurationError, ForbiddenServiceUrl

LOCAL = "local.recado.invalid"
RULES = HostRules()
DEMO = HostRules(allow_loopback=True)
EXTRA = HostRules(extra_hosts=frozenset({LOCAL, "Bots.Example.com", ".bücher.example"}))


class TestCheck:
    @pytest.mark.parametrize(
        "url",
        [
            "https://smba.trafficmanager.net/teams/",
            "https://smba.trafficmanager.net/amer/0000-tenant",
            "https://SMBA.TrafficManager.NET/emea/",
            "HTTPS://smba.trafficmanager.net:443/in/",
            "https://smba.infra.gcc.teams.microsoft.com/teams",
            "https://smba.infra.gov.teams.microsoft.us/teams",
            "https://smba.infra.dod.teams.microsoft.us/teams",
            "https://webchat.botframework.com/",
            "https://directline.botframework.azure.us",
            "https://directline.botframework.azure.cn/",
        ],
    )
    def test_the_channel_service_may_be_given_a_token(self, url: str) -> None:
        RULES.check(url)

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("https://evil.example/", "no known channel service"),
            ("https://trafficmanager.net/", "no known channel service"),
            ("https://evil.trafficmanager.net/", "no known channel service"),
            ("https://x.smba.trafficmanager.net/", "no known channel service"),
            ("https://evilbotframework.com/", "no known channel service"),
            ("https://botframework.com.evil.example/", "no known channel service"),
            ("https://botframework.com./", "no known channel service"),
            ("https://canary.botapi.skype.com/amer/", "no known channel service"),
            ("https://graph.microsoft.com/", "no known channel service"),
            ("https://10.0.0.1/", "no known channel service"),
            ("https://169.254.169.254/metadata", "no known channel service"),
            ("https://[2001:db8::1]/", "no known channel service"),
            ("https://[::ffff:127.0.0.1]/", "points to this machine"),
            ("https://\uff42otframework.com.evil.example/", "no known channel service"),
            ("https://smba.trafficmanager.net:8443/", "port"),
            ("http://smba.trafficmanager.net/teams", "https only"),
            ("http://evil.example/", "https only"),
            ("https://smba.trafficmanager.net@evil.example/", "user name"),
            ("https://user:secret@smba.trafficmanager.net/", "user name"),
            ("https://:secret@smba.trafficmanager.net/", "user name"),
            ("https://evil.example\\@smba.trafficmanager.net/", "backslash"),
            ("https://smba.traffic\tmanager.net/", "space"),
            (" https://smba.trafficmanager.net/", "space"),
            ("https://smba.trafficmanager.net/\r\nX: y", "space"),
            ("https://smba.trafficmanager.net/?to=x", "query"),
            ("https://smba.trafficmanager.net/#x", "fragment"),
            ("ftp://smba.trafficmanager.net/", "not a web address"),
            ("file:///etc/passwd", "not a web address"),
            ("mailto:bot@botframework.com", "not a web address"),
            ("smba.trafficmanager.net", "not a URL"),
            ("urn:botframework:websocket:x", "not a web address"),
            ("//smba.trafficmanager.net/", "not a URL"),
            ("", "not a URL"),
            ("http://localhost:3978/", "this machine"),
            ("https://127.0.0.1/", "this machine"),
            ("https://2130706433/", "this machine"),
            ("https://[::1]/", "this machine"),
            (f"https://{LOCAL}/", "no known channel service"),
        ],
    )
    def test_anything_else_is_refused_in_one_sentence_that_says_why(
        self, url: str, why: str
    ) -> None:
        with pytest.raises(ForbiddenServiceUrl) as refused:
            RULES.check(url)
        assert why in str(refused.value)
        assert str(refused.value).endswith(".")
        assert "\n" not in str(refused.value)

    @pytest.mark.parametrize(
        "url",
        [
            "http://localhost:56150/_connector",
            "http://127.0.0.1:3978",
            "http://127.8.8.8/",
            "http://[::1]:9000/",
            "https://bot.localhost/",
        ],
    )
    def test_this_machine_may_be_addressed_in_demo_mode_on_any_port(self, url: str) -> None:
        DEMO.check(url)

    def test_demo_mode_allows_nothing_but_this_machine_besides(self) -> None:
        for url in ("http://192.168.1.1/", "http://0.0.0.0/", "https://localhost.evil.example/"):
            with pytest.raises(ForbiddenServiceUrl):
                DEMO.check(url)

    def test_configured_hosts_are_allowed_on_any_port_by_https(self) -> None:
        for url in (
            f"https://{LOCAL}/",
            "https://bots.example.com:8443/x",
            "https://a.bücher.example/",
            "https://a.b.xn--bcher-kva.example/",
        ):
            EXTRA.check(url)
        for url in (
            "http://bots.example.com/",
            "https://a.bots.example.com/",
            "https://bücher.example/",
            "https://xbücher.example/",
        ):
            with pytest.raises(ForbiddenServiceUrl):
                EXTRA.check(url)


class TestRules:
    @pytest.mark.parametrize(
        "host", ["", ".", "https://x.example", "x.example/path", "10.0.0.1", "x:80", "a b", "u@x"]
    )
    def test_what_is_no_host_name_is_refused_as_configuration(self, host: str) -> None:
        with pytest.raises(ConfigurationError, match="host name"):
            HostRules(extra_hosts=frozenset({host}))

    def test_remembered_urls_do_not_grow_without_bound(self) -> None:
        rules = HostRules()
        for number in range(10_000):
            rules.check(f"https://smba.trafficmanager.net/{number}")
        assert len(rules._passed) <= 4_096  # noqa: SLF001 - memory is not seen from outside

    def test_two_rules_are_equal_whatever_they_remember(self) -> None:
        rules = HostRules()
        rules.check("https://smba.trafficmanager.net/teams")
        assert rules == HostRules()

    @given(st.text() | st.text("htps:/@\\.?#smba-trafficmanager.net[]%0 :\t", min_size=8))
    def test_what_passes_is_sent_to_a_host_that_was_meant(self, text: str) -> None:
        """The path that is appended to a base never makes another host of it."""
        try:
            RULES.check(text)
        except ForbiddenServiceUrl:
            return
        assert Url(text.rstrip("/") + "/v3/conversations/x").host_str == "smba.trafficmanager.net"


class TestOtherCloud:
    @pytest.mark.parametrize(
        ("url", "other"),
        [
            ("https://smba.trafficmanager.net/teams/", "gcc"),
            ("https://smba.trafficmanager.net/amer/tenant", "gcc"),
            ("https://smba.infra.gcc.teams.microsoft.com/teams", None),
            ("https://webchat.botframework.com/", None),
            ("nonsense", None),
        ],
    )
    def test_a_bot_in_the_government_community_cloud_is_sent_to_its_host(
        self, url: str, other: str | None
    ) -> None:
        expected = "https://smba.infra.gcc.teams.microsoft.com/teams" if other else None
        assert other_cloud(url) == expected
