"""Audit notes: facts that JSON can carry."""

from __future__ import annotations

import json

from recado.domain.audit import AuditKind, Teller, health_note, service_url_note
from recado.domain.reference import Health


def test_health() -> None:
    """Before, after, why and by whom; the service URL only when it proved right."""
    note = health_note(Health.ACTIVE, Health.BLOCKED, reason="forbidden", by=Teller.DELIVERY)
    assert note.kind is AuditKind.HEALTH
    assert json.loads(json.dumps(note.detail)) == {
        "before": "active",
        "after": "blocked",
        "reason": "forbidden",
        "by": "delivery",
    }
    proved = health_note(
        Health.SUSPECT, Health.ACTIVE, reason=None, by=Teller.DELIVERY, service_url="https://a/"
    )
    assert proved.detail["service_url"] == "https://a/"


def test_service_url() -> None:
    """Old, new, why and by whom."""
    note = service_url_note("https://a/", "https://b/", reason="not_found", by=Teller.OFFER)
    assert note.kind is AuditKind.SERVICE_URL
    assert note.detail == {
        "before": "https://a/",
        "after": "https://b/",
        "reason": "not_found",
        "by": "offer",
    }
