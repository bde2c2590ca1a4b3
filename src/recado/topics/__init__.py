"""Topics: audiences that people subscribe to."""

from __future__ import annotations

from recado.topics.topics import Topics

__all__ = ["Topics"]
