"""Politeness: whether a delivery may leave now, and what keeps it if not.

Facts in, a decision out, as in :mod:`recado.domain.policy`. Each module has one question that is
asked when a delivery is about to leave: is it still true, does its recipient allow it, is it a good
time, is it not too much, is the conversation free? :mod:`recado.store.verbs.gate` asks them.
"""

from __future__ import annotations

from recado.domain.politeness.rules import NO_RULES, Rules
from recado.domain.politeness.stop import Hold, Stop, Suppress

__all__ = ["NO_RULES", "Hold", "Rules", "Stop", "Suppress"]
