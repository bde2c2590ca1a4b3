"""Where an export goes: into a file that is there as a whole or not at all, or into a pipe."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO, Protocol

from recado.errors import InvalidInput, StoreUnavailable


class Target(Protocol):
    """Takes bytes, and knows the checksum of what it took."""

    def begin(self) -> None:
        """Begin; or anew, with nothing of what it took before."""

    def write(self, data: bytes) -> None:
        """Take more."""

    def checksum(self) -> str:
        """SHA-256 of all it took, as hexadecimal."""

    def finish(self) -> None:
        """All of it has come."""

    def give_up(self) -> None:
        """No more will come. Also after it was finished."""


class FileTarget:
    """A file only its owner can read. Until it is whole it has ``.part`` behind its name."""

    def __init__(self, path: Path, *, replace: bool = False) -> None:
        """Choose the file.

        Args:
            path: its name.
            replace: whether one that is there is replaced.

        Raises:
            InvalidInput: there is one, and it is not to be replaced.
        """
        if path.is_dir() or (path.exists() and not replace):
            what = "is a directory" if path.is_dir() else "is there already"
            raise InvalidInput(f"{path} {what}: name another file, or replace one with --force.")
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._file: BinaryIO | None = None
        self._sum = hashlib.sha256()

    def begin(self) -> None:
        self._sum = hashlib.sha256()
        try:
            if self._file is None:
                flags = os.O_WRONLY | os.O_CREAT
                self._file = os.fdopen(os.open(self._part, flags, 0o600), "wb")
                self._part.chmod(0o600)  # what an earlier one has left may be open to others
            self._file.seek(0)
            self._file.truncate()
        except OSError as error:
            raise self._refused(error) from error

    def write(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101 - it was begun
        try:
            self._file.write(data)
        except OSError as error:
            raise self._refused(error) from error
        self._sum.update(data)

    def checksum(self) -> str:
        return self._sum.hexdigest()

    def finish(self) -> None:
        assert self._file is not None  # noqa: S101 - it was begun
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._path)
        except OSError as error:
            raise self._refused(error) from error
        self._file = None

    def give_up(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
            self._part.unlink(missing_ok=True)

    def _refused(self, error: OSError) -> InvalidInput:
        return InvalidInput(
            f"{self._part} cannot be written ({error.strerror}): make room or correct the rights, "
            "or name another file."
        )


class StreamTarget:
    """A pipe. What has gone into it cannot be taken back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._begun = False
        self._sum = hashlib.sha256()

    def begin(self) -> None:
        if self._begun:
            raise StoreUnavailable(
                "The connection to the database was lost, and what was written cannot be taken "
                "back: export once more, into a file perhaps."
            )
        self._begun = True

    def write(self, data: bytes) -> None:
        self._stream.write(data)
        self._sum.update(data)

    def checksum(self) -> str:
        return self._sum.hexdigest()

    def finish(self) -> None:
        self._stream.flush()

    def give_up(self) -> None:
        """What has gone has gone: without its last line nobody takes it for whole."""
