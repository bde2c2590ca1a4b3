"""Flags of settings: every setting is one, without being listed in ``--help``."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from recado.errors import InvalidInput

#: What has an option of its own, or is no setting of a command line.
_NOT_HERE = frozenset({"credentials", "database_url", "demo"})


def settings_flags(words: Sequence[str]) -> dict[str, str]:
    """Settings by field, out of the words Typer did not know.

    Raises:
        InvalidInput: a word is no flag of a setting, or lacks its value.
    """
    if not words:
        return {}
    # Imported here: validation is heavy, and --help needs none.
    from recado.config import Settings

    fields = {
        f"--{name.replace('_', '-')}": (name, field.annotation)
        for name, field in Settings.model_fields.items()
        if name not in _NOT_HERE
    }
    found: dict[str, str] = {}
    left = list(words)
    while left:
        flag, equals, value = left.pop(0).partition("=")
        if flag not in fields:
            raise InvalidInput(_unknown(flag, list(fields)))
        name, kind = fields[flag]
        if name == "api_keys":
            raise InvalidInput(
                "Keys on a command line can be read by every user of the machine: set "
                "RECADO_API_KEYS, or RECADO_API_KEYS_FILE to a file of them."
            )
        if name == "database_password":
            raise InvalidInput(
                "A password on a command line can be read by every user of the machine: set "
                "RECADO_DATABASE_PASSWORD, or RECADO_DATABASE_PASSWORD_FILE to a file with it."
            )
        if not equals:
            if kind is bool:
                value = "true"
            elif not left or left[0].startswith("--"):
                raise InvalidInput(f"The flag {flag} needs a value: {flag} VALUE.")
            else:
                value = left.pop(0)
        found[name] = value
    return found


def _unknown(flag: str, known: Sequence[str]) -> str:
    if not flag.startswith("-"):
        return f"There is a word too many, {flag!r}: leave it out, or put a flag before it."
    close = difflib.get_close_matches(flag, known, n=1)
    hint = (
        f"did you mean {close[0]}?" if close else "see docs/configuration.md for those there are."
    )
    return f"No such option, {flag}: {hint}"
