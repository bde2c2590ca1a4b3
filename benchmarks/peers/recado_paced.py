"""Recado's broadcast on a channel with a pace: what keeping to it costs.

The conversations are spread over so many tenants that the channel would take more than is sent,
so this measures the accounting and no waiting.
"""

from __future__ import annotations

from benchmarks.peers import recado_broadcast


class Peer(recado_broadcast.Peer):
    """One notification to everyone known, most of them in different tenants."""

    title = "Recado broadcast, paced"
    channel = "msteams"
    tenants = 1000
