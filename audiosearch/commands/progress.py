"""Progress and errors on standard error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import click

from audiosearch.display import printable

if TYPE_CHECKING:
    from audiosearch.evaluation.events import Progress, Skipped
    from audiosearch.recognizer import Recognizer

Result = TypeVar("Result")


@contextmanager
def recognition_progress(recognizer: Recognizer, stage: str) -> Iterator[None]:
    """Show the stage and the position in the current recording, on a terminal."""
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task
    from rich.text import Text

    class Position(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{stage} {timedelta(seconds=int(recognizer.position))}")

    screen = Console(stderr=True)
    hidden = not screen.is_terminal
    with Progress(
        SpinnerColumn(), Position(), console=screen, transient=True, redirect_stdout=False, disable=hidden
    ) as progress:
        progress.add_task("")
        yield


def results(records: Iterable[Result | Progress | Skipped]) -> Iterator[Result]:
    """Yield the results; show progress in a bar and skipped utterances as errors.

    Raises:
        click.exceptions.Exit: status 1 at the end, if utterances were skipped.
    """
    from audiosearch.console.progress_bar import progress_bar
    from audiosearch.evaluation.events import Progress, Skipped

    skipped = False
    with progress_bar("") as bar:
        for record in records:
            if isinstance(record, Progress):
                bar.update(
                    description=record.stage,
                    completed=record.done,
                    total=record.total,
                    visible=record.done < record.total,
                )
            elif isinstance(record, Skipped):
                click.echo(f"Error: {printable(record.utterance.id)}: {record.error}", err=True)
                skipped = True
            else:
                yield record
    if skipped:
        raise click.exceptions.Exit(1)
