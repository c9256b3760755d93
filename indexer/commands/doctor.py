"""``audiosearch doctor``: checks of the installation, the models and the index."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import click

from audiosearch.diagnosis.doctor import ABSENT, Check
from audiosearch.display import json_line, printable
from indexer.commands.options import model_option, store_option
from indexer.console.format import count

MIN_WIDTH, MAX_WIDTH = 60, 100  # characters of a line; between them the width of the terminal
NAME_WIDTH = 14
INDENT = " " * (NAME_WIDTH + 6)  # before the further lines of a value
GLUE = "\N{NO-BREAK SPACE}"
MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


@click.command(epilog="\b\nExample:\n  audiosearch doctor")
@store_option
@model_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(store: str | None, model: Path | None, as_json: bool) -> None:
    """Check the installation: packages, processor, FFmpeg, models and index. Paste the output into bug reports.

    Every problem is printed with its remedy; the exit status is then 1.
    """
    from indexer.doctor import examine

    checks = list(examine(store, model))
    problems = sum(check.status == "problem" for check in checks)
    if as_json:
        click.echo(json_line({"ok": not problems, "checks": list(map(asdict, checks))}))
    else:
        _draw(checks)
    if problems:
        raise click.exceptions.Exit(1)


def _draw(checks: Sequence[Check]) -> None:
    for section, members in groupby(checks, key=lambda check: check.section):
        click.secho(section, bold=True)
        for check in _fold_packages(list(members)):
            mark, color = MARKS[check.status]
            lines = _wrap(printable(check.value))
            click.echo(f"  {click.style(mark, fg=color)} {printable(check.name):{NAME_WIDTH}}  {lines[0]}")
            for line in lines[1:]:
                click.echo(INDENT + line)
            for line in _wrap(f"→ {printable(check.advice)}" if check.advice else ""):
                click.echo(
                    INDENT + click.style(line, fg=None if check.status == "ok" else color, dim=check.status == "ok")
                )
    statuses = [check.status for check in checks]
    totals = [count(statuses.count(status), status) for status in ("problem", "warning") if status in statuses]
    click.secho(", ".join(totals) + "." if totals else "Everything works.", bold=True)


def _fold_packages(checks: Sequence[Check]) -> list[Check]:
    """The same checks, with all packages without a problem folded into one."""
    from audiosearch.diagnosis.packages import PACKAGES

    names = {package.distribution for package in PACKAGES}
    fine = [check for check in checks if check.name in names and check.status == "ok"]
    if not fine:
        return list(checks)
    installed = [f"{check.name}{GLUE}{check.value}" for check in fine if check.value != ABSENT]
    absent = [check.name for check in fine if check.value == ABSENT]
    value = ", ".join(installed) + (f"; without {', '.join(absent)}" if absent else "")
    folded = Check(fine[0].section, "packages", value)
    return [folded if check is fine[0] else check for check in checks if check is fine[0] or check not in fine]


def _wrap(text: str) -> list[str]:
    width = min(max(shutil.get_terminal_size().columns, MIN_WIDTH), MAX_WIDTH) - len(INDENT)
    return [line.replace(GLUE, " ") for line in textwrap.wrap(text, width, break_on_hyphens=False)]
