"""Write docs/cli.md: the help of every command, as ``audiosearch COMMAND --help`` prints it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

import cli  # noqa: E402

PAGE = REPOSITORY / "docs" / "cli.md"
WIDTH = 100
HEAD = """\
# Commands

The help of every command. `python scripts/make_cli_reference.py` writes this page; a test compares it with the
commands.

## Exit status

| status | `query`, `align` | all other commands |
|---|---|---|
| 0 | something was found | done; also a `watch` that was stopped |
| 1 | nothing was found | an error, or a part failed, such as a file that cannot be used |
| 2 | an error, or a wrong command line | a wrong command line |
| 130 | stopped by Ctrl-C | stopped by Ctrl-C |

The parts that may fail are files of `index`, `transcribe` and `import`, transcripts of `export`, recordings of `copy`
and `evaluate`, and checks of `doctor`.

With `--skip-unreadable`, unreadable files inside folders leave the status of `index` at 0. They are reported once, and
tried again when they change or with another version of audiosearch. A path that does not exist, an empty folder from
which recordings were indexed, or an error of the store still gives 1. `--dry-run` has the status that the run would
have, as far as it is known before transcription.

## Completion in the shell

Commands, options, values and names of files are completed after one line in the start file of the shell. Bash must be
of version 4.4 or later.

```sh
eval "$(_AUDIOSEARCH_COMPLETE=bash_source audiosearch)"    # bash: ~/.bashrc
eval "$(_AUDIOSEARCH_COMPLETE=zsh_source audiosearch)"     # zsh: ~/.zshrc, after compinit
_AUDIOSEARCH_COMPLETE=fish_source audiosearch | source     # fish: ~/.config/fish/config.fish
```
"""


def help_of(command: click.Command, name: str) -> str:
    """The help of a command at a width that does not depend on the terminal."""
    with click.Context(command, info_name=name, terminal_width=WIDTH, help_option_names=["-h", "--help"]) as context:
        return command.get_help(context)


def reference() -> str:
    """The text of the page."""
    group = cli.LazyGroup()
    parts = [HEAD, f"```text\n{help_of(cli.main, 'audiosearch')}\n```\n"]
    for name in cli.COMMANDS:
        command = group.get_command(click.Context(cli.main), name)
        assert command is not None
        parts.append(f"## {name}\n\n```text\n{help_of(command, f'audiosearch {name}')}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
