"""The command line: `screen`, also installed as `trial-screen`.

The first word is a command only if it is the name of one. Anything else is screened: so a patient
file comes without a command, options may come before it, and `screen ./studies` screens a file
that is called like a command.

Exit codes: 0 eligible or done, 1 ineligible (`check`: faults found), 2 wrong usage or an unusable
study, 3 undetermined, 4 the input cannot be screened, 70 a defect of the program, 130 interrupted,
141 the reader of the output went away.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from screener import __version__
from screener.commands import COMMANDS
from screener.commands.ending import CLOSED_PIPE, INTERRUPTED, discard_output, prepare_streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SCREENING = ""
"""Name of the command that nobody types."""
_HELP = {"help_option_names": ["-h", "--help"]}
_EPILOG = (
    "Exit codes: 0 eligible, 1 ineligible, 3 undetermined, 4 the input cannot be screened, "
    "2 wrong usage. Several patients or studies: 4 if any record was rejected, else 0 if any is "
    "eligible, else 3 if any is undetermined, else 1."
)


class _Command(TyperCommand):
    """A command whose help names its arguments as they are typed."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return ["[OPTIONS]", *(name for name, _ in self._arguments())]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _section(formatter, "Arguments", self._arguments())
        options = (it for it in self.get_params(ctx) if it.param_type_name == "option")
        _section(formatter, "Options", (it.get_help_record(ctx) for it in options))

    def _arguments(self) -> list[tuple[str, str]]:
        arguments = (it for it in self.params if it.param_type_name == "argument")
        return [(str(it.metavar), getattr(it, "help", "") or "") for it in arguments]


class _Screening(_Command):
    """The command without a name: to the user, it is the program itself."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        name = parent.info_name if parent else info_name
        return super().make_context(name, args, None, **extra)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        program = typer.main.get_command(app)
        program.format_help(type(ctx)(program, info_name=ctx.info_name), formatter)


class _Program(TyperGroup):
    """Chooses the command, and imports no other."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name == _SCREENING:
            return _command("patient", _Screening)
        return _command(cmd_name, _Command) if cmd_name in COMMANDS else None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        first = args[0] if args else ""
        if first not in COMMANDS and first.partition("=")[0] not in own:
            args = [_SCREENING, *args] if args or not ctx.resilient_parsing else args
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.command_path, "[OPTIONS] PATIENT...")
        formatter.write_usage(ctx.command_path, "COMMAND [ARGS]...", " " * len("Usage: "))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        screening = self._screening(ctx)
        _Command.format_options(screening.command, screening, formatter)
        own = (it.get_help_record(ctx) for it in self.get_params(ctx) if it.name != "help")
        _section(formatter, "About the program", own)
        _section(formatter, "Commands", COMMANDS.items())

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        screening = self._screening(ctx)
        found = super().shell_complete(ctx, incomplete)
        known = {item.value for item in found}
        more = screening.command.shell_complete(screening, incomplete)
        return [*found, *(item for item in more if item.value not in known)]

    def _screening(self, ctx: Any) -> Any:
        command = self.get_command(ctx, _SCREENING)
        return command.make_context(_SCREENING, [], parent=ctx, resilient_parsing=True)


def _section(formatter: Any, title: str, rows: Iterable[tuple[str, str] | None]) -> None:
    shown = [row for row in rows if row]
    if shown:
        with formatter.section(title):
            formatter.write_dl(shown)


def _command(name: str, cls: type[TyperCommand]) -> Any:
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name, cls=cls, context_settings=_HELP)(
        import_module(f"screener.commands.{name}").command
    )
    return typer.main.get_command(single)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"trial-screen {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=_Program,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_HELP,
    epilog=_EPILOG,
)


@app.callback()
def _program(
    version: Annotated[  # it ends the program by itself
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Screen patients for clinical trials: for each criterion pass, fail or unknown, why, and what
    to obtain. Nothing is guessed: what the record leaves open is unknown.
    """  # noqa: D205


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program, with the arguments of the command line unless others are given."""
    prepare_streams()
    try:
        try:
            app(None if arguments is None else list(arguments))
        finally:
            sys.stdout.flush()
    except SystemExit as ended:  # Typer, which writes the help, makes a closed pipe exit code 1
        if isinstance(ended.__context__, BrokenPipeError):
            sys.exit(CLOSED_PIPE)
        raise
    except BrokenPipeError:
        discard_output()
        sys.exit(CLOSED_PIPE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
