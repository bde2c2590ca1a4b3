"""How a command ends: exit codes that scripts can rely on, and errors in one sentence each."""

from __future__ import annotations

import json
import os
import sys
import traceback
from enum import IntEnum
from typing import Any

from recado.errors import (
    ConfigurationError,
    Conflict,
    InvalidInput,
    NotFound,
    RecadoError,
    StoreError,
)


class ExitCode(IntEnum):
    """What the number a command ends with means. It will not change."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    NOT_FOUND = 4
    CONFLICT = 5
    DATABASE = 6
    INTERRUPTED = 130


#: For ``--help`` and docs/cli.md.
MEANINGS = {
    ExitCode.OK: "done",
    ExitCode.FAILED: "failed, or not delivered",
    ExitCode.USAGE: "the command line or its input cannot be used",
    ExitCode.CONFIGURATION: "a setting cannot be used",
    ExitCode.NOT_FOUND: "what was named does not exist",
    ExitCode.CONFLICT: "it contradicts what has happened already",
    ExitCode.DATABASE: "the database cannot be used",
    ExitCode.INTERRUPTED: (
        "interrupted with Ctrl-C, which ends `demo`, `serve`, `worker` and `fake-channel` with 0"
    ),
}

_FAMILIES: tuple[tuple[type[RecadoError], ExitCode], ...] = (
    (ConfigurationError, ExitCode.CONFIGURATION),
    (InvalidInput, ExitCode.USAGE),
    (NotFound, ExitCode.NOT_FOUND),
    (Conflict, ExitCode.CONFLICT),
    (StoreError, ExitCode.DATABASE),
)


def exit_code(error: BaseException) -> ExitCode:
    """The code a command ends with after *error*."""
    for family, code in _FAMILIES:
        if isinstance(error, family):
            return code
    return ExitCode.FAILED


def report(error: BaseException, *, as_json: bool, debug: bool) -> ExitCode:
    """Tell *error* on stderr in one sentence, or as a JSON problem; the code to end with."""
    code = exit_code(error)
    word = error.code if isinstance(error, RecadoError) else "unexpected"
    detail = str(error)
    if word == "unexpected":
        detail = (
            f"Something went wrong that Recado did not expect ({type(error).__name__}: {error}); "
            "--debug shows where."
        )
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    tell(word, detail, code, as_json=as_json)
    return code


def tell(word: str, detail: str, code: ExitCode, *, as_json: bool) -> None:
    """Write one problem to stderr, in the shape the HTTP API has for them."""
    if as_json:
        problem: dict[str, Any] = {
            "type": f"urn:recado:problem:{word}",
            "title": word.replace("_", " ").capitalize(),
            "detail": detail,
            "code": word,
            "exit_code": int(code),
        }
        sys.stderr.write(f"{json.dumps(problem)}\n")
        return
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    label = "\033[1;31mError:\033[0m" if colour else "Error:"
    sys.stderr.write(f"{label} {detail}\n")
