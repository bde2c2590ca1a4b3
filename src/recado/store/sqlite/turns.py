"""Turns of a SQLite file: locks of the operating system on single bytes of a file beside it.

All who use a SQLite file are on one machine, whose kernel knows better than any table who is
alive. To lock a byte costs a microsecond and writes nothing, and what a process had locked is
free when it ends, however it ends.
"""

from __future__ import annotations

import os
import sys
import threading
from hashlib import blake2b
from typing import Final

from recado.domain.reference import ConversationKey
from recado.errors import StoreUnavailable

#: Bytes there are; two conversations that share one wait for each other, which is harmless.
_BYTES: Final = 1 << 30

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int, place: int) -> None:
        os.lseek(file, place, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _unlock(file: int, place: int) -> None:
        os.lseek(file, place, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _lock(file: int, place: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)

    def _unlock(file: int, place: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, place)


class TurnFile:
    """The bytes of one file.

    The kernel tells processes apart and not their parts, and frees all that a process had locked
    in a file when it closes it once. So a process opens it once, and knows itself which bytes it
    has.

    Args:
        path: the file, made if missing; it stays empty.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        self._held: set[int] = set()
        self._guard = threading.Lock()

    def begin(self, key: ConversationKey) -> bool:
        """Lock a conversation's byte; False if somebody else has.

        Raises:
            StoreUnavailable: the file cannot be made.
        """
        place = _place(key)
        with self._guard:
            if place in self._held:
                return False
            try:
                if self._file is None:
                    self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                _lock(self._file, place)
            except (BlockingIOError, PermissionError) as error:
                if self._file is None:
                    raise _unusable(self._path, error) from error
                return False
            except OSError as error:
                raise _unusable(self._path, error) from error
            self._held.add(place)
        return True

    def end(self, key: ConversationKey) -> None:
        """Free a conversation's byte."""
        place = _place(key)
        with self._guard:
            if place in self._held and self._file is not None:
                self._held.discard(place)
                _unlock(self._file, place)

    def rest(self) -> None:
        """Close the file unless a turn is under way; the next one opens it again."""
        with self._guard:
            if self._file is not None and not self._held:
                os.close(self._file)
                self._file = None


#: Those in use by this process, each once.
_FILES: dict[str, TurnFile] = {}


def turn_file(path: str) -> TurnFile:
    """The file of that name, the same each time."""
    return _FILES.setdefault(path, TurnFile(path))


def _place(key: ConversationKey) -> int:
    name = f"{key.bot}\0{key.channel}\0{key.conversation_id}"
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % _BYTES


def _unusable(path: str, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"Turns cannot be locked in {path} ({error.strerror}): make its directory writable, or "
        "set RECADO_TURN_LOCK=false."
    )
