"""The command line: a click group that imports a command when it is used.

Commands are in ``audiosearch.commands`` and ``indexer.commands``; each parses its arguments, calls one library function
and prints the results. Errors caused by users become one sentence here.
"""

from __future__ import annotations

import errno
import importlib

import click

from audiosearch.commands.options import INTERRUPTED
from audiosearch.commands.usage_errors import before_command, unknown_command, with_suggestion
from audiosearch.display import printable, show_warnings
from audiosearch.errors import AudioSearchError

COMMANDS = {  # name: module:attribute, in the order of the help
    "train": "audiosearch.commands.train:train",
    "manifest": "indexer.commands.manifest:manifest",
    "lm": "indexer.commands.language_model.lm:lm",
    "tune": "audiosearch.commands.tune:tune",
    "calibrate": "audiosearch.commands.calibrate:calibrate",
    "evaluate": "indexer.commands.evaluate:evaluate",
    "inspect": "audiosearch.commands.inspect:inspect",
    "transcribe": "audiosearch.commands.transcribe:transcribe",
    "align": "audiosearch.commands.align:align",
    "index": "indexer.commands.index:index",
    "query": "indexer.commands.query:query",
    "list": "indexer.commands.library:list_command",
    "remove": "indexer.commands.library:remove",
    "info": "indexer.commands.library:info",
    "correct": "indexer.commands.export:correct",
    "copy": "indexer.commands.copy:copy",
    "export": "indexer.commands.export:export",
    "import": "indexer.commands.import_:import_command",
    "watch": "indexer.commands.watch:watch",
    "serve": "indexer.commands.serve:serve",
    "doctor": "indexer.commands.doctor:doctor",
}


FINDERS = ("query", "align")
"""Commands of which status 1 means that nothing was found, as in grep, and 2 an error."""

DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}
"""Errors of disks, which come without a name while a file is being written."""

FILE_SYSTEM = {*DISK, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP}
"""Errors of files that are no fault of the program: disks, permissions, names."""


MAX_SENTENCE = 1000
"""Characters of the sentence about a command; click cuts it off at 45 unless told."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run or described (click, "Lazily Loading Subcommands")."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the usual order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options before the command."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise before_command(error, given, COMMANDS) if given else error from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of the first argument, and its arguments."""
        if self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            raise unknown_command(args[0], COMMANDS, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The names of the commands, with the whole first sentence of each."""
        commands = {name: self.get_command(ctx, name) for name in COMMANDS}
        rows = [(name, each.get_short_help_str(limit=MAX_SENTENCE)) for name, each in commands.items() if each]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; errors caused by users become one sentence, all others keep their traceback.

        Missing and broken packages are reported here for all commands, as commands import heavy packages late.
        """
        show_warnings()
        arguments = list(ctx.args)
        try:
            return super().invoke(ctx)
        except AudioSearchError as error:
            raise _failure(ctx, str(error)) from error
        except click.UsageError as error:
            raise with_suggestion(error, arguments) from None
        except click.ClickException as error:
            raise _failure(ctx, printable(error.message)) from error
        except Exception as error:
            from audiosearch.diagnosis.packages import explain

            if broken := explain(error):
                raise _failure(ctx, str(broken)) from error
            if sentence := _of_system(error):
                raise _failure(ctx, printable(sentence)) from error
            raise
        except KeyboardInterrupt:
            click.echo("\nStopped by Ctrl-C.", err=True)
            ctx.exit(INTERRUPTED)


class SearchFailure(click.ClickException):
    """An error of a command of FINDERS."""

    exit_code = 2


def _of_system(error: Exception) -> str:
    """Sentence for an error of files or of the terminal; empty for others, which are faults of the program."""
    if isinstance(error, UnicodeEncodeError) and not error.encoding.lower().startswith("utf"):
        return f"the output cannot be written in {error.encoding}: set a locale with UTF-8, or PYTHONUTF8=1."
    if isinstance(error, OSError) and error.errno in FILE_SYSTEM:
        if error.filename is not None:
            return f"{error.filename}: cannot be read or written ({error.strerror})."
        if error.errno in DISK:
            return f"a file cannot be read or written: {error.strerror}."
    return ""


def _failure(ctx: click.Context, message: str) -> click.ClickException:
    """An error as one sentence, with the exit status of the command."""
    return (SearchFailure if ctx.invoked_subcommand in FINDERS else click.ClickException)(message)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="\b\nExamples:\n  audiosearch index ~/Podcasts\n  audiosearch query 'human things'",
)
@click.version_option(package_name="audiosearch", prog_name="audiosearch")
def main() -> None:
    """A search engine for speech: train a DeepSpeech network, index recordings, find where something was said."""


if __name__ == "__main__":
    main()
