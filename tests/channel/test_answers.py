"""Answers of channels: what is read from them, and the verdict each of them gets."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.channel.answers import CORRELATION_HEADERS, read_answer
from recado.domain.delivery import HeldReason, OnUnknown
from recado.domain.policy import (
    Answer,
    Deliver,
    Facts,
    Hold,
    Park,
    Reject,
    Retry,
    RetryPolicy,
    Wait,
    decide,
)
from recado.domain.reference import Health

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


class Headers(dict[str, str]):
    """Headers found whatever their case."""

    def get(self, name: str, default: Any = None, /) -> Any:
        return next((v for k, v in self.items() if k.lower() == name.lower()), default)


def read(status: int, body: object = b"", **headers: str) -> Answer:
    """The answer read from bytes, or from what is written as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return read_answer(status, named, raw, NOW)


def error(code: str, message: str = "…", **more: object) -> dict[str, object]:
    """An error body of the documented shape."""
    return {"error": {"code": code, "message": message, **more}}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table of statuses, as Teams documents it or as it was seen."""

    status: int
    body: object = b""
    verdict: object
    headers: tuple[tuple[str, str], ...] = ()
    on_unknown: OnUnknown = OnUnknown.RETRY
    strikes: int = 1
    host_switched: bool = False


#: Stands for any delay.
SOON = timedelta(days=-1)
POLICY = RetryPolicy()
BLOCKED = {
    "errorCode": 209,
    "message": '{ "subCode":"MessageWritesBlocked", "details":"Thread is blocked", '
    '"errorCode":null, "errorSubCode":null }',
}
DENIED = {"message": "Authorization has been denied for this request."}


def unreachable(reason: str, health: Health) -> Hold:
    """Held until the person or an administrator does something about it."""
    return Hold(HeldReason.UNREACHABLE, None, reason, health=health)


def not_found(reason: str, delay: timedelta | None = None) -> Hold | Retry:
    """Tried again, because a 404 may pass: soon in its place, later outside the lane."""
    if delay is None:
        return Retry(reason, timedelta(seconds=30), health=Health.SUSPECT)
    return Hold(HeldReason.BACKOFF, delay, reason, health=Health.SUSPECT)


def breaker(reason: str) -> Wait:
    """It waits with everything else of that bot."""
    return Wait(reason)


TABLE = {
    "400 Bad Argument": Row(status=400, body=error("Bad Argument"), verdict=Reject("Bad Argument")),
    "400 BadSyntax": Row(status=400, body=error("BadSyntax"), verdict=Reject("BadSyntax")),
    "400 without a body": Row(status=400, verdict=Reject("http_400")),
    "401 BotNotRegistered": Row(
        status=401, body=error("BotNotRegistered"), verdict=breaker("BotNotRegistered")
    ),
    "401 denied": Row(status=401, body=DENIED, verdict=breaker("unauthorized")),
    "403 BotDisabledByAdmin": Row(
        status=403,
        body=error("BotDisabledByAdmin"),
        verdict=unreachable("BotDisabledByAdmin", Health.POLICY),
    ),
    "403 BotNotInConversationRoster": Row(
        status=403,
        body=error("BotNotInConversationRoster"),
        verdict=unreachable("BotNotInConversationRoster", Health.UNINSTALLED),
    ),
    "403 ConversationBlockedByUser": Row(
        status=403,
        body=error("ConversationBlockedByUser"),
        verdict=unreachable("ConversationBlockedByUser", Health.BLOCKED),
    ),
    "403 ForbiddenOperationException": Row(
        status=403,
        body=error("ForbiddenOperationException"),
        verdict=unreachable("ForbiddenOperationException", Health.UNINSTALLED),
    ),
    "403 InvalidBotApiHost": Row(
        status=403,
        body=error("InvalidBotApiHost"),
        verdict=Retry("InvalidBotApiHost", timedelta(0), switch_host=True),
    ),
    "403 InvalidBotApiHost again": Row(
        status=403,
        body=error("InvalidBotApiHost"),
        host_switched=True,
        verdict=Reject("InvalidBotApiHost"),
    ),
    "403 NotEnoughPermissions": Row(
        status=403, body=error("NotEnoughPermissions"), verdict=Reject("NotEnoughPermissions")
    ),
    "403 MessageWritesBlocked": Row(
        status=403, body=BLOCKED, verdict=unreachable("MessageWritesBlocked", Health.BLOCKED)
    ),
    "403 decrypt": Row(
        status=403,
        body=error("BadArgument", "Failed to decrypt conversation id"),
        verdict=Retry("conversation_id_not_decrypted", SOON),
    ),
    "404 ConversationNotFound": Row(
        status=404, body=error("ConversationNotFound"), verdict=not_found("ConversationNotFound")
    ),
    "404 ConversationNotFound for the third time": Row(
        status=404,
        body=error("ConversationNotFound"),
        strikes=3,
        verdict=not_found("ConversationNotFound", timedelta(hours=3)),
    ),
    "404 ConversationNotFound for the fourth time": Row(
        status=404,
        body=error("ConversationNotFound"),
        strikes=4,
        verdict=unreachable("ConversationNotFound", Health.GONE),
    ),
    "404 ServiceError": Row(
        status=404, body=error("ServiceError", "Unknown"), verdict=not_found("ServiceError")
    ),
    "404 ActivityNotFoundInConversation": Row(
        status=404,
        body=error("ActivityNotFoundInConversation"),
        verdict=Reject("ActivityNotFoundInConversation"),
    ),
    "404 BotNotInConversationRoster": Row(
        status=404,
        body=error("BotNotInConversationRoster"),
        verdict=unreachable("BotNotInConversationRoster", Health.UNINSTALLED),
    ),
    "405": Row(status=405, verdict=Reject("http_405")),
    "410": Row(status=410, verdict=not_found("not_found")),
    "412 PreconditionFailed": Row(
        status=412, body=error("PreconditionFailed"), verdict=Retry("PreconditionFailed", SOON)
    ),
    "413 MessageSizeTooBig": Row(
        status=413, body=error("MessageSizeTooBig"), verdict=Reject("MessageSizeTooBig")
    ),
    "413 as HTML": Row(
        status=413, body=b"<html><h1>Payload Too Large</h1></html>", verdict=Reject("http_413")
    ),
    "429 with Retry-After": Row(
        status=429,
        body=error("Throttled"),
        headers=(("Retry-After", "17"),),
        verdict=Retry("Throttled", timedelta(seconds=17)),
    ),
    "429 with a long Retry-After": Row(
        status=429,
        headers=(("Retry-After", "600"),),
        verdict=Hold(HeldReason.BACKOFF, timedelta(minutes=10), "http_429"),
    ),
    "429 without Retry-After": Row(status=429, verdict=Retry("http_429", SOON)),
    "500 ServiceError": Row(
        status=500, body=error("ServiceError"), verdict=Retry("ServiceError", SOON)
    ),
    "500 for the third time": Row(
        status=500, body=error("ServiceError"), strikes=3, verdict=Reject("ServiceError")
    ),
    "502": Row(
        status=502, body=error("ServiceError"), verdict=Retry("http_502", SOON, unknown=True)
    ),
    "502, parked": Row(status=502, on_unknown=OnUnknown.PARK, verdict=Park("http_502")),
    "503": Row(status=503, verdict=Retry("http_503", SOON)),
    "504": Row(status=504, verdict=Retry("http_504", SOON, unknown=True)),
    "504, parked": Row(status=504, on_unknown=OnUnknown.PARK, verdict=Park("http_504")),
    "a redirect": Row(status=307, verdict=Reject("http_307")),
    "a status nobody specified": Row(status=418, verdict=Reject("http_418")),
    "200": Row(status=200, body={"id": "1"}, verdict=Deliver()),
    "201": Row(status=201, body={"id": "1"}, verdict=Deliver()),
    "202 without a body": Row(status=202, verdict=Deliver()),
    "204": Row(status=204, verdict=Deliver()),
}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_every_documented_answer_gets_its_verdict(row: Row) -> None:
    """What Teams documents (or was seen to answer) is read and judged as the table says."""
    raw = row.body if isinstance(row.body, bytes) else json.dumps(row.body).encode()
    facts = Facts(
        answer=read_answer(row.status, Headers(row.headers), raw, NOW),
        attempts=row.strikes,
        tried_since=NOW,
        head_since=NOW,
        now=NOW,
        on_unknown=row.on_unknown,
        strikes=row.strikes,
        host_switched=row.host_switched,
    )
    verdict = decide(facts, POLICY, random.Random(1))  # noqa: S311 - dice
    if isinstance(row.verdict, Retry) and row.verdict.delay is SOON:
        assert isinstance(verdict, Retry)
        assert timedelta(0) <= verdict.delay <= POLICY.base * 2 ** (row.strikes - 1)
        verdict = Retry(
            verdict.reason, SOON, unknown=verdict.unknown, switch_host=verdict.switch_host
        )
    assert verdict == row.verdict


class TestErrorBodies:
    def test_the_documented_shape_gives_code_and_message(self) -> None:
        answer = read(403, error("BotDisabledByAdmin", "The tenant admin disabled this bot"))
        assert (answer.code, answer.sub_code) == ("BotDisabledByAdmin", None)
        assert answer.message == "The tenant admin disabled this bot"

    def test_the_error_of_the_service_behind_is_read_too(self) -> None:
        inner = {"statusCode": 403, "body": {"error": {"code": "Blocked", "message": "No writes"}}}
        answer = read(403, error("ServiceError", "Failed", innerHttpError=inner))
        assert (answer.code, answer.sub_code) == ("ServiceError", "Blocked")
        assert answer.message == "No writes"

    def test_json_inside_the_message_gives_the_sub_code(self) -> None:
        answer = read(403, BLOCKED)
        assert (answer.code, answer.sub_code) == ("209", "MessageWritesBlocked")
        assert answer.message == "Thread is blocked"

    def test_a_bare_message_is_kept(self) -> None:
        assert read(401, DENIED) == Answer(status=401, message=DENIED["message"])

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", None),
            (b"   ", None),
            (b"upstream connect error", "upstream connect error"),
            (b'"quoted"', "quoted"),
            (b"\xff\xfe\x00", "\ufffd\ufffd"),
            (b"[1, 2]", "[1, 2]"),
            (b"null", "null"),
            (b'{"error": "invalid_client", "error_description": "Wrong secret"}', "Wrong secret"),
            (b'{"Message": "An error has occurred."}', "An error has occurred."),
            (b'{"message": "cut of', '{"message": "cut of'),
            (b'\xef\xbb\xbf{"message": "with a byte order mark"}', "with a byte order mark"),
            (b"<html><head><title>413 Too Large</title></head><p>x", "413 Too Large"),
            (b"<html><body><h1>Bad\n gateway</h1></body></html>", "Bad gateway"),
            (b'{"message": "a\\u0000b\\ud800c"}', "abc"),
        ],
    )
    def test_whatever_a_body_is_its_words_are_kept_on_one_line(
        self, body: bytes, message: str | None
    ) -> None:
        assert read(500, body).message == message

    def test_a_long_message_is_shortened(self) -> None:
        message = read(500, error("ServiceError", "word " * 10_000)).message
        assert message is not None
        assert len(message) == 300
        assert message.endswith("…")

    def test_a_body_of_nothing_but_brackets_is_survived(self) -> None:
        assert read(500, b"[" * 65_536).status == 500
        assert read(500, b"<" * 65_536).status == 500
        assert read(200, b'{"id":' * 10_000).activity_id is None


class TestSuccess:
    def test_the_receipt_is_the_id(self) -> None:
        assert read(201, {"id": "1711111111"}).activity_id == "1711111111"

    @pytest.mark.parametrize(
        "body",
        [
            *(b"", b"{}", b"ok", b"<html>", b"[]", b'"x"'),
            *(b'{"id": null}', b'{"id": ""}', b'{"id": 7}', b'{"id": {}}'),
            *(b'{"id": "a\\u0000b"}', b'{"id": "\\ud800"}', b'{"id": "%s"}' % (b"x" * 2_000)),
        ],
    )
    def test_without_a_usable_id_it_is_a_success_all_the_same(self, body: bytes) -> None:
        answer = read(200, body)
        assert answer.ok
        assert answer.activity_id is None


@given(st.one_of(st.text(max_size=1_100), st.text('ab"\\\\ é\n', max_size=5)))
def test_the_short_way_reads_what_the_parser_would(given_id: str) -> None:
    """Written so or so, the same id comes out."""
    plain = json.dumps({"id": given_id}, separators=(",", ":"), ensure_ascii=False)
    bodies = (plain, json.dumps({"id": given_id}), f'{{"id":"{given_id}"}}')
    for body in (each.encode("utf-8", "surrogatepass") for each in bodies):
        # A space in front of the brace keeps the short way from being taken.
        assert read(201, body) == read(201, b" " + body)


class TestHeaders:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("0", 0.0),
            ("17", 17.0),
            (" 2.5 ", 2.5),
            ("-3", 0.0),
            ("1e9", 86_400.0),
            ("inf", 86_400.0),
            ("nan", None),
            ("soon", None),
            ("", None),
            ("Sat, 21 Nov 2026 08:01:30 GMT", 90.0),
            ("Sat, 21 Nov 2026 09:01:30 +0100", 90.0),
            ("Saturday, 21-Nov-26 08:01:30 GMT", 90.0),
            ("Sat Nov 21 08:01:30 2026", 90.0),
            ("Fri, 20 Nov 2026 08:00:00 GMT", 0.0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
            ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
        ],
    )
    def test_retry_after_is_seconds_or_a_date(self, value: str, seconds: float | None) -> None:
        assert read(429, retry_after=value).retry_after == seconds

    def test_no_retry_after_is_none(self) -> None:
        assert read(429).retry_after is None

    def test_correlation_headers_are_kept_with_an_error(self) -> None:
        answer = read(502, ms_cv="abc.0", ContextId="tcid=1", x_correlating_operationid="op")
        assert dict(answer.headers) == {
            "MS-CV": "abc.0",
            "ContextId": "tcid=1",
            "X-Correlating-OperationId": "op",
        }

    def test_headers_of_a_success_are_not_looked_at(self) -> None:
        class Untouchable:
            def get(self, name: str, /) -> str | None:
                raise AssertionError(name)

        assert read_answer(201, Untouchable(), b'{"id":"1"}', NOW).activity_id == "1"


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "code", "message", "innerHttpError", "body", "id", "errorCode"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
_bodies = st.binary() | _json_values.map(lambda value: json.dumps(value).encode())
_headers = st.dictionaries(st.sampled_from(["Retry-After", *CORRELATION_HEADERS]), st.text())


@given(st.integers(100, 599), _headers, _bodies)
def test_any_answer_is_read_and_can_be_stored(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    """Whatever arrives, nothing is raised and every text is one printable line."""
    answer = read_answer(status, Headers(headers), body, NOW)
    assert answer.status == status
    assert answer.failure is None
    assert answer.retry_after is None or 0 <= answer.retry_after <= 86_400
    texts = [answer.code, answer.sub_code, answer.message, answer.activity_id]
    for text in [*texts, *(value for _, value in answer.headers)]:
        assert text is None or (text.isprintable() and len(text.encode()) < 5_000)
    assert answer.ok or answer.message is None or len(answer.message) <= 300
