"""Consent: what people allow, what they have refused, and what is known about each of them."""

from __future__ import annotations

from recado.consent.consents import Consents, Who
from recado.consent.importing import BadLine, ConsentImported
from recado.consent.people import Erasure

__all__ = ["BadLine", "ConsentImported", "Consents", "Erasure", "Who"]
