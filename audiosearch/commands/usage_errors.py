"""Wrong command lines: suggestions for misspelled commands, options and values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from audiosearch.display import printable
from audiosearch.errors import did_you_mean

OTHER_NAMES = {
    **dict.fromkeys(("search", "find", "grep"), "query"),
    **dict.fromkeys(("add", "scan", "update"), "index"),
    **dict.fromkeys(("delete", "forget", "rm"), "remove"),
    **dict.fromkeys(("ls", "recordings"), "list"),
    **dict.fromkeys(("status", "stats", "show"), "info"),
    **dict.fromkeys(("recognize", "recognise"), "transcribe"),
    **dict.fromkeys(("web", "server", "ui"), "serve"),
    **dict.fromkeys(("check", "selftest"), "doctor"),
    "help": "--help",
    "version": "--version",
}
"""Commands by the names that they have in other programs."""

_CHOICE = re.compile(r"'(.*)' is not one of ", re.DOTALL)
_EXTRA = re.compile(r"Got unexpected extra argument \((.*)\)", re.DOTALL)


def unknown_command(name: str, commands: Iterable[str], ctx: click.Context) -> click.UsageError:
    """The error of a command that does not exist."""
    hint = f" Did you mean {OTHER_NAMES[name]}?" if name in OTHER_NAMES else did_you_mean(name, commands)
    if not hint and Path(name).expanduser().exists():
        hint = f" To index a file or folder, write `audiosearch index {name}`."
    return click.UsageError(printable(f"No such command '{name}'.{hint}"), ctx)


def before_command(error: click.UsageError, arguments: Sequence[str], commands: Iterable[str]) -> click.UsageError:
    """The error of an option before the command."""
    message = printable(error.format_message())
    command = next((argument for argument in arguments if argument in set(commands)), None)
    if isinstance(error, click.NoSuchOption) and command is not None:
        message += f" Options follow the command: audiosearch {command} … {printable(error.option_name)}"
    return click.UsageError(message, error.ctx)


def with_suggestion(error: click.UsageError, arguments: Sequence[str]) -> click.UsageError:
    """An error of a command on one line, safe to display; the choices of a missing option are one a line.

    Args:
        arguments: of the command.
    """
    if isinstance(error, click.MissingParameter):
        return error
    return click.UsageError(printable(error.format_message() + _suggestion(error, arguments)), error.ctx)


def _suggestion(error: click.UsageError, arguments: Sequence[str]) -> str:
    """A sentence after a message, with a space before it; empty if there is none to give."""
    if isinstance(error, click.NoSuchOption):
        return "" if error.possibilities else _option_with_two_dashes(error, arguments)
    if isinstance(error, click.BadParameter) and error.param is not None:
        wrong = _CHOICE.match(error.message)
        if wrong and isinstance(error.param.type, click.Choice):
            return did_you_mean(wrong[1], map(str, error.param.type.choices))
        return ""
    extra = _EXTRA.match(error.message)
    if extra and error.ctx is not None and "--store" in _options(error.ctx):
        named = extra[1] if re.search(r"\.db$|^https?://", extra[1]) else "NAME"
        return f". The index is named by an option: --store {named}"
    return ""


def _option_with_two_dashes(error: click.NoSuchOption, arguments: Sequence[str]) -> str:
    """A suggestion for ``-store``, which is read as ``-s`` and others."""
    written = next((argument for argument in arguments if re.match(rf"{re.escape(error.option_name)}\w", argument)), "")
    if error.ctx is None or written.startswith("--"):
        return ""
    if not written:  # one letter
        initial = f"-{error.option_name}"
        similar = [name for name in _options(error.ctx) if name.startswith(initial)]
        return f" Did you mean {' or '.join(similar)}?" if similar else ""
    name, names = f"-{written.partition('=')[0]}", _options(error.ctx)
    return did_you_mean(name, [name] if name in names else names)


def _options(ctx: click.Context) -> list[str]:
    """Long names of the options of a command."""
    names = (name for param in ctx.command.params for name in (*param.opts, *param.secondary_opts))
    return [name for name in names if name.startswith("--")] + ["--help"]
