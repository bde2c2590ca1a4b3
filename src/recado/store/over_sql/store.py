"""The storage port over SQL, put together of its parts."""

from __future__ import annotations

from recado.store.over_sql.acceptance import SqlAcceptance
from recado.store.over_sql.answers import SqlAnswers
from recado.store.over_sql.consent import SqlConsent
from recado.store.over_sql.delivery import SqlDelivery
from recado.store.over_sql.jobs import SqlJobs
from recado.store.over_sql.local import SqlLocal
from recado.store.over_sql.moving import SqlMoving
from recado.store.over_sql.people import SqlPeople
from recado.store.over_sql.presence import SqlPresence
from recado.store.over_sql.privacy import SqlPrivacy
from recado.store.over_sql.recipients import SqlRecipients
from recado.store.over_sql.references import SqlReferences
from recado.store.over_sql.retention import SqlRetention
from recado.store.over_sql.schedules import SqlSchedules
from recado.store.over_sql.state import SqlState
from recado.store.over_sql.steering import SqlSteering
from recado.store.over_sql.topics import SqlTopics
from recado.store.over_sql.watches import SqlWatches


class SqlStore(
    SqlReferences,
    SqlPeople,
    SqlAcceptance,
    SqlDelivery,
    SqlSteering,
    SqlJobs,
    SqlConsent,
    SqlPrivacy,
    SqlPresence,
    SqlSchedules,
    SqlAnswers,
    SqlRecipients,
    SqlTopics,
    SqlWatches,
    SqlLocal,
    SqlState,
    SqlRetention,
    SqlMoving,
):
    """The verbs of :class:`recado.store.port.Store`, over a database that runs transactions.

    What the verbs promise is written in the port. A subclass says how its database is opened, and
    how something is written and read in it.
    """
