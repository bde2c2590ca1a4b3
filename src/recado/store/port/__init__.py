"""The storage port. Its docstrings are the specification; the contract suite holds them.

The port speaks the words of the domain. Every verb is one transaction: when its coroutine
returns, what it did is committed and survives a power cut; when it raises, nothing of it
happened. All raise :class:`~recado.errors.StoreError` when the database does not cooperate.

The port is internal: it may change whenever a feature needs it.
"""

from __future__ import annotations

from typing import Protocol

from recado.store.port.acceptance import AcceptanceStore
from recado.store.port.delivery import DeliveryStore
from recado.store.port.jobs import JobStore
from recado.store.port.lifecycle import Lifecycle
from recado.store.port.local import LocalStore
from recado.store.port.people import PeopleStore
from recado.store.port.references import ReferenceStore
from recado.store.port.steering import SteeringStore
from recado.store.port.values import (
    Accepted,
    Backlog,
    Captured,
    Claim,
    Cycled,
    DeliveryDetail,
    DeliveryFilter,
    Lost,
    NotificationDetail,
    Observed,
    Page,
    Settlement,
    Wanted,
)

__all__ = [
    "Accepted",
    "Backlog",
    "Captured",
    "Claim",
    "Cycled",
    "DeliveryDetail",
    "DeliveryFilter",
    "Lost",
    "NotificationDetail",
    "Observed",
    "Page",
    "Settlement",
    "Store",
    "Wanted",
]


class Store(
    Lifecycle,
    ReferenceStore,
    PeopleStore,
    AcceptanceStore,
    DeliveryStore,
    SteeringStore,
    JobStore,
    LocalStore,
    Protocol,
):
    """Everything durable. See the module docstring for what holds for every verb."""
