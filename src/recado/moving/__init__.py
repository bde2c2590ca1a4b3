"""Moving: everything in a database as a file, and out of the file into another database."""

from recado.moving.exporting import Moved, export_records
from recado.moving.importing import end_import, take_in
from recado.moving.reading import ExportFile
from recado.moving.target import FileTarget, StreamTarget, Target

__all__ = [
    "ExportFile",
    "FileTarget",
    "Moved",
    "StreamTarget",
    "Target",
    "end_import",
    "export_records",
    "take_in",
]
