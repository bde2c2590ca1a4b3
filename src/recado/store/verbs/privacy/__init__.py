"""Privacy: everything that is kept about one person, to be shown or taken away."""

from __future__ import annotations

from recado.store.verbs.privacy.erasing import erase
from recado.store.verbs.privacy.showing import about

__all__ = ["about", "erase"]
