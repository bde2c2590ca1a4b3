"""An echo turn of a bot written with the Agents SDK."""

from __future__ import annotations

from benchmarks.peers._echo import EchoSender


class Peer(EchoSender):
    """Without Recado."""

    title = "echo turn, SDK alone"
