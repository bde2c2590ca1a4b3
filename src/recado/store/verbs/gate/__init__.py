"""The gate: what is about to leave is looked at once more, by the rules of politeness.

Each check looks at all that is about to leave at once, and mostly finds with one look that there
is nothing to check. The decisions are made in :mod:`recado.domain.politeness`.
"""

from __future__ import annotations

from recado.store.verbs.gate.caps import forget_counts, refund
from recado.store.verbs.gate.leaving import Check, Leaving, Manner
from recado.store.verbs.gate.stopping import stop, tell

__all__ = ["Check", "Leaving", "Manner", "forget_counts", "refund", "stop", "tell"]
