"""The breakers of a process: one before each service URL, one before each bot's credential."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from recado.domain.breaker import CREDENTIAL, SERVICE, Breaker
from recado.domain.pause import Pause, PauseKind
from recado.domain.policy import Answer, Failure
from recado.store.port import Claim


class Breakers:
    """Learns from answers what does not work, and lets nothing go there but a probe.

    Args:
        credential_pause: how long a bot rests at first whose credential was refused.
    """

    def __init__(self, credential_pause: timedelta = CREDENTIAL.pause) -> None:
        self._settings = {
            PauseKind.SERVICE_URL: SERVICE,
            PauseKind.CREDENTIAL: replace(CREDENTIAL, pause=credential_pause),
        }
        self._services: dict[str, Breaker] = {}
        self._credentials: dict[str, Breaker] = {}

    @property
    def none(self) -> bool:
        """Whether nothing has failed that is worth remembering; asked for every request."""
        return not self._services and not self._credentials

    def room(self, service_url: str, bot: str, now: datetime) -> int | None:
        """How many requests may begin; None without a limit."""
        if self.none:
            return None  # as nearly always
        rooms = (breaker.room(now) for breaker in self._before(service_url, bot))
        return min((each for each in rooms if each is not None), default=None)

    def probe(self, service_url: str, bot: str) -> None:
        """A request begins."""
        if self.none:
            return
        for breaker in self._before(service_url, bot):
            breaker.probe()

    def unanswered(self, claim: Claim) -> None:
        """The request of *claim* was not made after all."""
        for breaker in self._before(claim.service_url, claim.bot):
            breaker.unanswered()

    def learn(self, claim: Claim, answer: Answer, now: datetime) -> tuple[list[Pause], list[Pause]]:
        """Take note of an answer.

        Returns:
            Pauses it begins, and pauses it ends.
        """
        if answer.ok and self.none:
            return [], []  # as nearly always
        # Whatever it says of one of them, the other one's probe has come back too.
        self.unanswered(claim)
        if answer.failure is Failure.FORBIDDEN:
            return [], []
        credential = _pause(PauseKind.CREDENTIAL, claim.bot, answer, now)
        service = _pause(PauseKind.SERVICE_URL, claim.service_url, answer, now)
        if answer.status == 401 or answer.failure is Failure.NO_TOKEN:
            return self._failed(credential, claim, now), []
        ended = [] if answer.failure is not None else self._succeeded(credential)
        if answer.failure is not None or (answer.status or 0) >= 500:
            return self._failed(service, claim, now), ended
        return [], ended + self._succeeded(service)

    def recall(self, pauses: Sequence[Pause]) -> None:
        """Take up what was open before this process began."""
        for pause in pauses:
            breakers = self._of(pause)
            if breakers is not None and pause.until is not None:
                breaker = breakers.setdefault(_name(pause), Breaker(self._settings[pause.kind]))
                breaker.reopen(pause.since, pause.until)

    def sweep(self) -> None:
        """Forget those of which there is nothing to remember."""
        for breakers in (self._services, self._credentials):
            for name in [name for name, each in breakers.items() if each.idle]:
                del breakers[name]

    def _before(self, service_url: str, bot: str) -> list[Breaker]:
        found = self._services.get(service_url), self._credentials.get(bot)
        return [breaker for breaker in found if breaker is not None]

    def _of(self, pause: Pause) -> dict[str, Breaker] | None:
        match pause.kind:
            case PauseKind.SERVICE_URL:
                return self._services
            case PauseKind.CREDENTIAL:
                return self._credentials
        return None

    def _failed(self, pause: Pause, claim: Claim, now: datetime) -> list[Pause]:
        breakers = self._of(pause)
        assert breakers is not None  # noqa: S101 - only these two kinds are made here
        breaker = breakers.setdefault(_name(pause), Breaker(self._settings[pause.kind]))
        opened = breaker.failed(claim.pace_key, now)
        return [replace(pause, until=breaker.until)] if opened else []

    def _succeeded(self, pause: Pause) -> list[Pause]:
        breakers = self._of(pause)
        breaker = breakers.get(_name(pause)) if breakers is not None else None
        return [pause] if breaker is not None and breaker.succeeded() else []


def _pause(kind: PauseKind, name: str, answer: Answer, now: datetime) -> Pause:
    reason = answer.code or answer.failure or f"http_{answer.status}"
    if kind is PauseKind.CREDENTIAL:
        return Pause(kind=kind, bot=name, reason=reason, since=now)
    return Pause(kind=kind, name=name, reason=reason, since=now)


def _name(pause: Pause) -> str:
    return pause.bot or pause.name
