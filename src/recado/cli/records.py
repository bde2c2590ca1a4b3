"""Records: what is known, as JSON with stable field names. They are the words of the domain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from recado.cli.output import iso
from recado.domain.chaining import Grip
from recado.domain.delivery import Attempt, Delivery, Evidence
from recado.domain.job import Job
from recado.domain.notification import Progress
from recado.domain.pause import Pause
from recado.domain.pausing import resume_command
from recado.domain.plan import Plan
from recado.domain.politeness.chain import Link
from recado.domain.reference import Member, Reference
from recado.domain.topic import Topic
from recado.store.port import DeliveryDetail, NotificationDetail


def job_record(job: Job) -> dict[str, Any]:
    """A job of the log."""
    return {
        "number": job.number,
        "tenant": job.scope.tenant,
        "title": job.title,
        "conversation_id": job.conversation_id,
        "reference_id": job.reference_id,
        "user": job.user,
        "started_at": iso(job.started_at),
        "completed": job.completed,
        "completed_at": iso(job.completed_at) if job.completed_at else None,
        "result": job.result,
    }


def topic_record(topic: Topic) -> dict[str, Any]:
    """A topic."""
    return {
        "name": topic.name,
        "title": topic.title,
        "created_at": iso(topic.created_at),
        "subscribed": topic.subscribed,
    }


def delivery_record(delivery: Delivery) -> dict[str, Any]:
    """A delivery as it stands."""
    return {
        "id": delivery.id,
        "notification_id": delivery.notification_id,
        "reference_id": delivery.reference_id,
        "bot": delivery.bot,
        "state": str(delivery.state),
        "reason": delivery.reason,
        "attempts": delivery.attempts,
        "accepted_at": iso(delivery.accepted_at),
        "due_at": iso(delivery.due_at) if delivery.due_at else None,
        "expires_at": iso(delivery.expires_at) if delivery.expires_at else None,
        "settled_at": iso(delivery.settled_at) if delivery.settled_at else None,
        "user": delivery.user,
        "evidence": _evidence(delivery.evidence) if delivery.evidence else None,
    }


def detail_record(detail: DeliveryDetail, now: datetime) -> dict[str, Any]:
    """A delivery with everything that happened to it."""
    return {
        "delivery": delivery_record(detail.delivery),
        "channel": detail.conversation.channel,
        "conversation_id": detail.conversation.conversation_id,
        "health": str(detail.health),
        "ahead": detail.ahead,
        "handler": detail.handler,
        "action": str(detail.action),
        "target": detail.target,
        "pauses": [pause_record(each) for each in detail.pauses if each.active(now)],
        "stopped": detail.stopped,
        "decided_by": detail.decided_by,
        "content": json.loads(detail.content) if detail.content else None,
        "attempts": [_attempt(each) for each in detail.attempts],
    }


def link_record(grip: Grip, link: Link) -> dict[str, Any]:
    """One of the things that may keep a delivery from leaving."""
    return {
        "name": link.name,
        "holds": grip,
        "said": link.said,
        "since": iso(link.since) if link.since else None,
        "until": iso(link.until) if link.until else None,
    }


def reference_record(reference: Reference) -> dict[str, Any]:
    """A conversation, and who is in it."""
    return {
        "id": reference.id,
        "bot": reference.key.bot,
        "channel": reference.key.channel,
        "conversation_id": reference.key.conversation_id,
        "name": reference.name,
        "conversation_type": reference.conversation_type,
        "is_group": reference.is_group,
        "tenant_id": reference.tenant_id,
        "service_url": reference.service_url,
        "locale": reference.locale,
        "timezone": reference.timezone,
        "health": str(reference.health),
        "health_reason": reference.health_reason,
        "health_since": iso(reference.health_since) if reference.health_since else None,
        "first_seen": iso(reference.first_seen),
        "last_seen": iso(reference.last_seen),
        "agent": reference.agent,
        "members": [_member(each) for each in reference.members],
    }


def progress_record(progress: Progress) -> dict[str, Any]:
    """How far a notification has come; of an update or a recall, what it has done too."""
    changes = {} if progress.changes is None else {"changes": asdict(progress.changes)}
    return {
        "id": progress.notification_id,
        "accepted_at": iso(progress.accepted_at),
        "expanded": progress.expanded,
        "settled": progress.settled,
        "total": progress.total,
        "out": progress.out,
        "counts": {str(state): count for state, count in progress.counts.items()},
        **changes,
    }


def notification_record(
    detail: NotificationDetail, progress: Progress, eta: datetime | None, now: datetime
) -> dict[str, Any]:
    """A notification, how far it has come, and when it will be out."""
    return {
        "id": detail.id,
        "bot": detail.bot,
        "audience": list(detail.audience),
        "handler": detail.handler,
        "content": json.loads(detail.content) if detail.content else None,
        "accepted_at": iso(detail.accepted_at),
        "due_at": iso(detail.due_at),
        "expires_at": iso(detail.expires_at) if detail.expires_at else None,
        "cancelled_at": iso(detail.cancelled_at) if detail.cancelled_at else None,
        "not_made": detail.not_made,
        "progress": progress_record(progress),
        "eta": iso(eta) if eta else None,
        "pauses": [pause_record(each) for each in detail.pauses if each.active(now)],
    }


def pause_record(pause: Pause) -> dict[str, Any]:
    """What is paused, and how it goes on."""
    return {
        "kind": str(pause.kind),
        "bot": pause.bot or None,
        "channel": pause.channel or None,
        "tenant": pause.tenant or None,
        "name": pause.name or None,
        "reason": pause.reason or None,
        "since": iso(pause.since),
        "until": iso(pause.until) if pause.until else None,
        "by": pause.by,
        "resume": resume_command(pause),
    }


def plan_record(plan: Plan) -> dict[str, Any]:
    """What would become of a notification."""
    return {
        "total": plan.total,
        "unreachable": plan.unreachable,
        "duplicates": plan.duplicates,
        "seconds": plan.duration.total_seconds(),
        "reach": [
            {
                "channel": each.place.channel,
                "tenant": each.place.tenant or None,
                "reachable": each.reachable,
                "unreachable": each.unreachable,
            }
            for each in plan.reach
        ],
    }


def people(record: Mapping[str, Any]) -> str:
    """The members of a reference's record, as a table names them."""
    return ", ".join(each["name"] or each["user_id"] for each in record["members"])


def address(record: Mapping[str, Any]) -> str:
    """What is written to say something to the person of a private chat; nothing for a group.

    A person known only from a group cannot be spoken to alone.
    """
    private = not record["is_group"] and record["conversation_type"] in (None, "personal")
    return ", ".join(f"user:{each['user_id']}" for each in record["members"]) if private else ""


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "owner": attempt.owner,
        "started_at": iso(attempt.started_at),
        "ended_at": iso(attempt.ended_at),
        "outcome": str(attempt.outcome),
        "reason": attempt.reason,
        "evidence": _evidence(attempt.evidence),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "status": evidence.status,
        "code": evidence.code,
        "sub_code": evidence.sub_code,
        "message": evidence.message,
        "activity_id": evidence.activity_id,
        "headers": dict(evidence.headers),
    }


def _member(member: Member) -> dict[str, Any]:
    return {
        "user_id": member.user_id,
        "name": member.name,
        "aad_object_id": member.aad_object_id,
        "email": member.email,
        "last_seen": iso(member.last_seen) if member.last_seen else None,
    }
