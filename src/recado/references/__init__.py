"""The use cases around references: capture them, find them, see how they are."""

from recado.references.importing import Imported, Importer, Refusal
from recado.references.probing import Ask, Prober
from recado.references.references import References
from recado.references.rosters import RosterRead

__all__ = ["Ask", "Imported", "Importer", "Prober", "References", "Refusal", "RosterRead"]
