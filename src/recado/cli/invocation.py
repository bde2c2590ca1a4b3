"""What every command shares: options that stand anywhere on the line, settings, the database."""

from __future__ import annotations

import asyncio
import inspect
import shlex
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_type_hints

import typer
from typer.core import TyperCommand

from recado.cli.flags import settings_flags
from recado.cli.logs import set_up_logs
from recado.cli.output import Output
from recado.database_url import SqliteFile
from recado.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from recado.app import Recado
    from recado.config import Settings

F = TypeVar("F", bound=Callable[..., Any])

#: Help is drawn for people and written plainly for pipes.
MARKUP: Literal["rich"] | None = "rich" if sys.stdout.isatty() else None

#: Heading of the options every command has.
SHARED_PANEL = "Options of every command"

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The database, sqlite:///path/to/recado.db or postgresql://user@host/database "
        "(RECADO_DATABASE_URL).",
        rich_help_panel=SHARED_PANEL,
    ),
]
EnvFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Read variables the environment lacks from this file instead of .env.",
        rich_help_panel=SHARED_PANEL,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="One JSON document on stdout, problems on stderr.",
        rich_help_panel=SHARED_PANEL,
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log more, to stderr.", rich_help_panel=SHARED_PANEL)
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug",
        help="Show where an error comes from (RECADO_DEBUG=1).",
        rich_help_panel=SHARED_PANEL,
    ),
]

_SHARED: Mapping[str, tuple[Any, Any]] = {
    "database_url": (DatabaseUrl, None),
    "env_file": (EnvFile, None),
    "as_json": (AsJson, False),
    "verbose": (Verbose, False),
    "debug": (Debug, False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The options every command has, and what they stand for."""

    database_url: str | None = None
    env_file: Path | None = None
    as_json: bool = False
    verbose: bool = False
    debug: bool = False
    #: Words the command line has no option for, of commands that take flags of settings.
    words: Sequence[str] = ()

    def also(self, **given: Any) -> Invocation:
        """The same, with options given again further right, which win."""
        return Invocation(**{name: value or getattr(self, name) for name, value in given.items()})

    @property
    def out(self) -> Output:
        """Where results go."""
        return Output(json=self.as_json)

    def settings(self, **flags: Any) -> Settings:
        """The settings of this process.

        Raises:
            ConfigurationError: they cannot be used.
        """
        # Imported here: validation is heavy, and --help needs none.
        from recado.config import load_settings

        given = {name: value for name, value in flags.items() if value is not None}
        return load_settings(
            env_file=self.env_file,
            database_url=self.database_url,
            **(settings_flags(self.words) | given),
        )

    @asynccontextmanager
    async def opened(self, *, make: bool = False) -> AsyncIterator[Recado]:
        """Recado on the database, without delivering.

        Args:
            make: whether a database that does not exist, or has nothing of Recado's in it, is made.

        Raises:
            ConfigurationError: the database would end with this command.
            StoreError: there is none, or it cannot be used.
        """
        # Imported here: it brings the whole of Recado with it.
        from recado.app import Recado

        settings = self.settings()
        set_up_logs(settings, verbose=self.verbose, quiet=True)
        check_lasting(settings)
        if not make and isinstance(settings.database, SqliteFile):
            _check_exists(settings.database)
        recado = Recado(settings)
        await recado.open(make=make)
        try:
            yield recado
        finally:
            await recado.stop()


def demo_database() -> Path:
    """The file ``recado demo`` keeps everything in."""
    # Imported here: only the demo, and who looks for it in vain, need it.
    import platformdirs

    return Path(platformdirs.user_data_dir("recado", appauthor=False)) / "demo.db"


def database_option(path: str | Path) -> str:
    """``--database-url`` for a file, ready to be pasted into a shell."""
    return shlex.join(["--database-url", f"sqlite:///{path}"])


def shown_url(settings: Settings) -> str:
    """The database's URL, as it may be shown to people and written to logs."""
    database = settings.database
    return settings.database_url if isinstance(database, SqliteFile) else database.shown


def check_lasting(settings: Settings) -> None:
    """Refuse to work in a database that nobody else ever sees.

    Raises:
        ConfigurationError: it would end with this process.
    """
    if settings.database == SqliteFile(None):
        raise ConfigurationError(
            "A database in memory ends with this command: name a file with --database-url "
            "or RECADO_DATABASE_URL."
        )


def _check_exists(file: SqliteFile) -> None:
    """Refuse to make a database out of a mistyped name and show that it is empty."""
    path = file.path
    if path is None or path.exists():
        return
    told = (
        f"There is no database {path} yet: start `recado serve` or `recado migrate` to make it, "
        "or name another with --database-url"
    )
    demo = demo_database()
    if demo.exists():
        told += f" (that of the demo: {database_option(demo)})"
    raise StoreUnavailable(f"{told}.")


# -- listings --------------------------------------------------------------------------------

Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many to show.")]
After = Annotated[
    str | None,
    typer.Option(metavar="CURSOR", help="Go on where a page ended: its `next`."),
]


# -- commands --------------------------------------------------------------------------------


class _Command:
    """A function as Typer sees it: its own parameters, and those every command has."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        hints = get_type_hints(function, include_extras=True)
        own = list(inspect.signature(function).parameters.values())[1:]
        keyword = inspect.Parameter.KEYWORD_ONLY
        self.__signature__ = inspect.Signature(
            [
                inspect.Parameter("context", keyword, annotation=typer.Context),
                *(each.replace(kind=keyword, annotation=hints[each.name]) for each in own),
                *(
                    inspect.Parameter(name, keyword, default=default, annotation=annotation)
                    for name, (annotation, default) in _SHARED.items()
                ),
            ]
        )
        self.__annotations__ = {
            name: each.annotation for name, each in self.__signature__.parameters.items()
        }

    def __call__(self, *, context: typer.Context, **given: Any) -> None:
        shared = {name: given.pop(name) for name in _SHARED}
        before = context.obj if isinstance(context.obj, Invocation) else Invocation()
        invocation = before.also(**shared, words=tuple(context.args))
        # Who reports an error looks here, at the top, how it is to be told.
        context.find_root().obj = invocation
        ended = self._function(invocation, **given)
        if inspect.iscoroutine(ended):
            asyncio.run(ended)


class _Plain(TyperCommand):
    """A command that writes what is required as ``ID``, not as ``{ID}``."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.strip("{").replace("}", "") for piece in super().collect_usage_pieces(ctx)]


def command(
    app: typer.Typer,
    name: str,
    *,
    examples: Sequence[str] = (),
    panel: str | None = None,
    any_setting: bool = False,
) -> Callable[[F], F]:
    """Make a function a command; its first parameter is the :class:`Invocation`.

    Args:
        app: the group it belongs to.
        name: what is typed.
        examples: command lines for its help.
        panel: the heading it stands under in the group's help.
        any_setting: whether every setting is a flag of it.
    """
    unlisted = {"allow_extra_args": any_setting, "ignore_unknown_options": any_setting}

    def register(function: F) -> F:
        app.command(
            name,
            epilog=examples_block(examples),
            rich_help_panel=panel,
            context_settings=unlisted,
            cls=_Plain,
        )(_Command(function))
        return function

    return register


def group(app: typer.Typer, name: str, *, summary: str, panel: str | None = None) -> typer.Typer:
    """A group of commands below *app*."""
    made = typer.Typer(no_args_is_help=True, help=summary, rich_markup_mode=MARKUP)
    app.add_typer(made, name=name, rich_help_panel=panel)
    return made


def examples_block(examples: Sequence[str], title: str = "Examples:") -> str | None:
    """Lines for the end of a help text, kept as they are written."""
    if not examples:
        return None
    lines = [title, *(f"  {example}" for example in examples)]
    # The plain help would otherwise fill lines up; \b tells it not to.
    return "\n".join(lines if MARKUP else ["\b", *lines])
