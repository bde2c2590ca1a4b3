"""Naming: what stands in the names of tests."""

from __future__ import annotations

import re


def shown(value: object) -> str:
    """A value as it is written, without where it is in memory: that differs in each process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
