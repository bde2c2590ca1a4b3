"""``recado export`` and ``recado import``: everything from one database into another."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from recado.cli.invocation import Invocation, check_lasting, command
from recado.cli.logs import set_up_logs
from recado.errors import InvalidInput

if TYPE_CHECKING:
    from recado.moving import ExportFile, Moved
    from recado.store.port import Store

_PIPE = "-"


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    command(
        app,
        "export",
        examples=(
            "recado export recado.jsonl",
            "recado export - | gzip > recado.jsonl.gz",
        ),
        panel="Look after it",
    )(export)
    command(
        app,
        "import",
        examples=(
            "recado import recado.jsonl --database-url postgresql://owner@db.example.com/recado",
            "gunzip -c recado.jsonl.gz | recado import -",
        ),
        panel="Look after it",
    )(import_)


async def export(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file; - for stdout.")],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if it is there already.")
    ] = False,
    with_state: Annotated[
        bool, typer.Option("--with-state", help="Export what bots keep between turns as well.")
    ] = False,
) -> None:
    """Write everything in the database to a file, for `recado import`.

    All of it is of one moment, while others may go on delivering. To move to another database
    stop them first: what they deliver after that moment would be delivered once more.

    Secrets and API keys are not in the file, but all that was said is: only you can read it.
    """
    # Imported here: --help needs none of it.
    from recado.moving import FileTarget, StreamTarget, Target, export_records

    piped = str(file) == _PIPE
    target: Target
    target = StreamTarget(sys.stdout.buffer) if piped else FileTarget(file, replace=force)
    async with _opened(invocation, importing=False) as store:
        served = await store.served()
        with invocation.out.progress("Exporting") as advance:
            moved = await export_records(
                store, target, made_by=_version(), with_state=with_state, advance=advance
            )
    if served:
        invocation.out.note(
            "A process delivers from this database: what it sends from now on is not in the file."
        )
    _tell(invocation, "Exported", moved, None if piped else file)


async def import_(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file; - for stdin.")],
) -> None:
    """Read what `recado export` wrote into an empty database.

    Nothing is delivered before all of it is there and was compared with what the file says. If it
    is interrupted, run it with the same file again: it goes on where it was.
    """
    # Imported here, as above.
    from recado.moving import end_import, take_in

    with _read(file) as export:
        with invocation.out.progress("Checking") as advance:
            export.check_whole(advance)
        async with _opened(invocation, importing=True) as store:
            with invocation.out.progress("Importing") as advance:
                begun = await take_in(store, export, advance=advance)
            with invocation.out.progress("Comparing") as advance:
                moved = await end_import(store, export, begun, advance=advance)
    _tell(invocation, "Imported", moved, None if str(file) == _PIPE else file)


@contextmanager
def _read(file: Path) -> Iterator[ExportFile]:
    from recado.moving import ExportFile

    if str(file) == _PIPE:
        yield ExportFile(sys.stdin.buffer, "What came through the pipe")
        return
    try:
        opened: BinaryIO = file.open("rb")
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be read ({error.strerror}): name the file that `recado export` wrote."
        ) from error
    with opened:
        # What is no plain file, as a named pipe, can be read once only.
        size = file.stat().st_size if file.is_file() else None
        yield ExportFile(opened, str(file), size=size)


@asynccontextmanager
async def _opened(invocation: Invocation, *, importing: bool) -> AsyncIterator[Store]:
    """The store alone: nothing is delivered, and an import may be under way."""
    from recado.app import Recado

    if not importing:
        async with invocation.opened() as recado:
            yield recado.store
        return
    settings = invocation.settings()
    set_up_logs(settings, verbose=invocation.verbose, quiet=True)
    check_lasting(settings)
    store = Recado(settings).store
    await store.open(importing=True)
    try:
        yield store
    finally:
        await store.close()


def _tell(invocation: Invocation, did: str, moved: Moved, file: Path | None) -> None:
    many = moved.records
    document = {
        "file": None if file is None else str(file),
        "id": moved.id,
        "records": dict(many),
        "sha256": moved.checksum,
    }
    told = f"{did} {_in_words(many)}."
    if file is None and did == "Exported":
        invocation.out.note(told)  # stdout is taken
    elif invocation.as_json:
        invocation.out.document(document)
    else:
        invocation.out.say(told)


def _in_words(many: Mapping[str, int]) -> str:
    references = _counted(many.get("reference", 0), "reference", "references")
    notifications = _counted(many.get("notification", 0), "notification", "notifications")
    deliveries = many.get("delivery", 0) + many.get("history", 0)
    return (
        f"{sum(many.values()):,} records, among them {references}, {notifications} and "
        f"{_counted(deliveries, 'delivery', 'deliveries')}"
    )


def _counted(many: int, one: str, several: str) -> str:
    return f"{many:,} {one if many == 1 else several}"


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("recado")
    except metadata.PackageNotFoundError:
        return "unknown"
