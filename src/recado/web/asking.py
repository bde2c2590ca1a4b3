"""What is asked of the notify endpoint: JSON, or a body of text."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic import model_validator as validates_all

from recado.domain.notification import Mode
from recado.outbox import Options
from recado.web.body import is_json, media_type, read_json_object
from recado.web.problems import HttpProblem, invalid_fields

#: Longest wait a caller can ask for, and what ``true`` means; proxies give up after a minute.
LONGEST_WAIT = 30.0

#: Beyond this an instant cannot be computed with; nobody waits that long.
_LONGEST_DELAY = timedelta(days=3660)

#: Most recipients of one request, and most characters of one.
_MOST_NAMED, _LONGEST_NAME = 1000, 4096

_RECIPIENTS = (
    "all, user:<id or e-mail>, conversation:<id>, a list of the latter two, everyone, "
    "members:<team or group>, where:<attribute>=<value> or thread:<channel>"
)


def _moment(value: object) -> datetime | timedelta:
    """An ISO 8601 instant, or seconds from now."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 <= value <= _LONGEST_DELAY.total_seconds():
            most = _LONGEST_DELAY.total_seconds()
            raise ValueError(
                f"a delay is a number of seconds from 0 to {most:.0f}, which is "
                f"{_LONGEST_DELAY.days} days: write an instant for what is further away"
            )
        return timedelta(seconds=value)
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            if moment.tzinfo is None:
                raise ValueError("an instant has a time zone: 2026-12-24T18:00:00+01:00")
            return moment
    raise ValueError("write an instant, 2026-12-24T18:00:00+01:00, or seconds from now")


Moment = Annotated[
    datetime | timedelta,
    PlainValidator(_moment),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number", "minimum": 0}],
            "description": "An instant with a time zone, or seconds from now.",
        }
    ),
]


def _period(value: object) -> timedelta:
    """Seconds."""
    most = _LONGEST_DELAY.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise ValueError(f"write a number of seconds, at most {_LONGEST_DELAY.days} days of them")
    return timedelta(seconds=value)


def _whom(value: Any) -> Any:
    """One recipient, or several."""
    names = value if isinstance(value, list) else [value]
    if not 1 <= len(names) <= _MOST_NAMED:
        raise ValueError(f"name 1 to {_MOST_NAMED} recipients, or all")
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"write {_RECIPIENTS}")
        if len(name) > _LONGEST_NAME:
            raise ValueError(f"a recipient has at most {_LONGEST_NAME} characters")
    return value


def _seconds(value: object) -> bool | float:
    """How long to wait."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and 0 <= value <= LONGEST_WAIT:
        return value
    raise ValueError(f"write a number of seconds from 0 to {LONGEST_WAIT:.0f}, or true")


Whom = Annotated[
    str | list[str],
    PlainValidator(_whom),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": _LONGEST_NAME},
                {
                    "type": "array",
                    "items": {"type": "string", "minLength": 1, "maxLength": _LONGEST_NAME},
                    "minItems": 1,
                    "maxItems": _MOST_NAMED,
                },
            ]
        }
    ),
]
Seconds = Annotated[
    bool | float,
    PlainValidator(_seconds),
    WithJsonSchema(
        {"anyOf": [{"type": "boolean"}, {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT}]}
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Period = Annotated[
    timedelta,
    PlainValidator(_period),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "description": "Seconds."}),
]


class NotifyRequest(BaseModel):
    """What to say, to whom, and how. Exactly one of text, activity and handler is given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    to: Whom = Field(description=f"{_RECIPIENTS}.")
    text: str | None = Field(default=None, description="A message, in Markdown.")
    activity: dict[str, Any] | None = Field(
        default=None, description="Any activity of the protocol, without its address."
    )
    handler: Name | None = Field(
        default=None, description="Name of a handler that runs as a turn and says what it wants."
    )
    value: Any = Field(default=None, description="JSON payload for the handler.")
    value_type: Name | None = Field(default=None, description="The event's valueType.")
    mode: Mode = Field(
        default="now",
        description="When it leaves: now; when_idle, after_dialog or next_turn, at a good moment; "
        "as_turn: the bot's own turn handler decides what is said.",
    )
    quiet: Period | None = Field(
        default=None,
        description="With when_idle: how long the conversation has to have been quiet; 30.",
    )
    max_wait: Period | None = Field(
        default=None,
        description="How long a good moment is waited for at most; 3600, and with next_turn "
        "until it expires.",
    )
    when: Moment | None = None
    expires: Moment | None = None
    priority: Literal["urgent", "normal", "low"] = "normal"
    on_unknown: Literal["retry", "park"] | None = Field(
        default=None,
        description="When the channel may have it: try again (at least once), or leave it to a "
        "person (at most once).",
    )
    collapse_key: Name | None = Field(
        default=None, description="Supersedes unsent messages with the same key."
    )
    category: Name | None = None
    user: dict[str, Any] | None = Field(
        default=None, description="ChannelAccount of the person it is about, in a group."
    )
    once_key: Name | None = Field(
        default=None,
        description="Where something was accepted for the same key less than once_every before, "
        "it is suppressed.",
    )
    once_every: Period | None = None
    answer_handler: Name | None = Field(
        default=None,
        description="It asks something: the name of the handler that hears the answer.",
    )
    answer_value: Any = Field(
        default=None, description="JSON that this handler is given with the answer."
    )
    answer_within: Period | None = Field(
        default=None,
        description="For how long after its delivery it can be answered. Without it until it "
        "expires or, if it does not, for a day.",
    )
    wait: Seconds = Field(
        default=False,
        description=f"Seconds to wait until it is delivered; true waits {LONGEST_WAIT:.0f}.",
    )

    @validates_all(mode="after")
    def _check_content(self) -> NotifyRequest:
        said = self.text is not None or self.activity is not None
        if self.mode == "as_turn" and said:
            raise ValueError("as_turn takes value and value_type; leave out text and activity")
        if self.text is not None and self.activity is not None:
            raise ValueError("give text or activity, not both")
        return self

    @property
    def content(self) -> str | dict[str, Any] | None:
        """What is said."""
        return self.text if self.text is not None else self.activity

    def options(self, idempotency_key: str | None, scope: str) -> Options:
        """How; the fields are named as the options are."""
        given = {name: getattr(self, name) for name in _OPTIONS}
        return Options(idempotency_key=idempotency_key, idempotency_scope=scope, **given)


#: The options that are fields of a request.
_OPTIONS = [each.name for each in fields(Options) if each.name in NotifyRequest.model_fields]


async def notification_asked(request: Request) -> NotifyRequest:
    """What a request to say something asks for.

    Raises:
        HttpProblem: it cannot be read, or does not say what or to whom.
    """
    unknown = [name for name in request.query_params if name not in ("to", "dry_run")]
    if unknown:
        raise HttpProblem(
            422,
            "invalid_input",
            f"There is no query parameter {', '.join(unknown)}: there are to, for a body of text, "
            "and dry_run; everything else goes into a JSON body.",
        )
    if is_json(request):
        given = await read_json_object(request)
        if "to" in request.query_params or "x-to" in request.headers:
            raise HttpProblem(
                422,
                "invalid_input",
                "A JSON body says itself whom it is for: leave out ?to= and X-To, and put to into "
                "the body.",
            )
    else:
        given = {"text": await _text(request), "to": _recipient(request)}
    try:
        return NotifyRequest.model_validate(given)
    except ValidationError as error:
        known = list(NotifyRequest.model_fields)
        raise invalid_fields(error.errors(), given, known=known) from None


def _recipient(request: Request) -> str:
    """Whom a body of text is for; a slip of the pen must not tell everybody."""
    named = [*request.query_params.getlist("to"), *request.headers.getlist("x-to")]
    if len(named) > 1:
        raise HttpProblem(
            422,
            "invalid_input",
            "The recipient is given more than once: give one ?to= or one X-To, or send JSON with "
            "a list.",
        )
    if not named or not named[0].strip():
        raise HttpProblem(
            422,
            "invalid_input",
            "Say whom it is for, in the query or in the header X-To: ?to=all for everybody, or "
            "?to=user:<id or e-mail> or ?to=conversation:<id>.",
        )
    return named[0].strip()


async def _text(request: Request) -> str:
    """The text of a plain body; ``curl -d`` calls it a form."""
    kind = media_type(request)
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError:
        raise HttpProblem(400, "not_utf8", "The body is not UTF-8 text: convert it.") from None
    if kind not in ("", "text/plain", "application/x-www-form-urlencoded"):
        raise HttpProblem(
            415,
            "unsupported_media_type",
            "Send Content-Type: application/json with an object, or text/plain with a message.",
        )
    if text.removeprefix("\ufeff").lstrip().startswith("{"):
        # JSON without its content type would be read out to people.
        raise HttpProblem(
            415,
            "unsupported_media_type",
            "The body looks like JSON: say Content-Type: application/json. To send a message "
            "that begins with {, put it into a JSON body as text.",
        )
    return text


def key_of(header: str | None) -> str | None:
    """An idempotency key: a structured field's string, or the same without quotes."""
    if header is None:
        return None
    key = header.strip()
    if len(key) >= 2 and key.startswith('"') and key.endswith('"'):
        key = key[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return key
