"""Watches: people are told when a rule over what happens outside becomes true."""

from __future__ import annotations

from recado.watches.watches import LIVE, HowSaid, Watches

__all__ = ["LIVE", "HowSaid", "Watches"]
