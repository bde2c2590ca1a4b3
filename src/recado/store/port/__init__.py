"""The storage port. Its docstrings are the specification; the contract suite holds them.

The port speaks the words of the domain. Every verb is one transaction: when its coroutine
returns, what it did is committed and survives a power cut; when it raises, nothing of it
happened. All raise :class:`~recado.errors.StoreError` when the database does not cooperate.

The port is internal: it may change whenever a feature needs it.
"""

from __future__ import annotations

from typing import Protocol

from recado.store.port.acceptance import AcceptanceStore
from recado.store.port.answers import AnswerStore, Replacing, Stint, WorksOutlook
from recado.store.port.consent import ConsentStore, Delivered, TakenIn
from recado.store.port.delivery import DeliveryStore
from recado.store.port.jobs import JobStore
from recado.store.port.lifecycle import Lifecycle
from recado.store.port.local import LocalStore
from recado.store.port.moving import RECORD_KINDS, STATE, MovingStore, RecordKind, Unfinished
from recado.store.port.people import PeopleStore
from recado.store.port.presence import Mark, PresenceStore
from recado.store.port.privacy import About, Erased, PrivacyStore
from recado.store.port.recipients import RecipientStore
from recado.store.port.references import ReferenceStore
from recado.store.port.retention import Forgotten, Old, RetentionStore
from recado.store.port.schedules import ScheduleStore
from recado.store.port.sharing import SharingStore
from recado.store.port.state import StateStore
from recado.store.port.steering import SteeringStore
from recado.store.port.topics import TopicStore
from recado.store.port.turns import Entry, TurnStore
from recado.store.port.values import (
    Accepted,
    Backlog,
    Captured,
    Claim,
    Cycled,
    DeliveryDetail,
    DeliveryFilter,
    Kept,
    Lost,
    NotificationDetail,
    Observed,
    Paced,
    Page,
    Put,
    ServerFacts,
    Settlement,
    Shares,
    Taken,
    Wanted,
)
from recado.store.port.watches import Evaluated, Fired, WatchStore

__all__ = [
    "RECORD_KINDS",
    "STATE",
    "About",
    "Accepted",
    "Backlog",
    "Captured",
    "Claim",
    "Cycled",
    "Delivered",
    "DeliveryDetail",
    "DeliveryFilter",
    "Entry",
    "Erased",
    "Evaluated",
    "Fired",
    "Forgotten",
    "Kept",
    "Lost",
    "Mark",
    "MovingStore",
    "NotificationDetail",
    "Observed",
    "Old",
    "Paced",
    "Page",
    "Put",
    "RecordKind",
    "Replacing",
    "ServerFacts",
    "Settlement",
    "Shares",
    "Stint",
    "Store",
    "Taken",
    "TakenIn",
    "Unfinished",
    "Wanted",
    "WorksOutlook",
]


class Store(
    Lifecycle,
    ReferenceStore,
    PeopleStore,
    AcceptanceStore,
    DeliveryStore,
    SharingStore,
    SteeringStore,
    JobStore,
    ConsentStore,
    PrivacyStore,
    PresenceStore,
    ScheduleStore,
    AnswerStore,
    RecipientStore,
    TopicStore,
    WatchStore,
    TurnStore,
    LocalStore,
    StateStore,
    RetentionStore,
    MovingStore,
    Protocol,
):
    """Everything durable. See the module docstring for what holds for every verb."""
