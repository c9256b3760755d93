"""Records of tuning and calibration while they run: a progress bar and errors on standard error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from audiosearch.evaluation.events import Progress, Skipped

Result = TypeVar("Result")


def results(records: Iterable[Result | Progress | Skipped]) -> Iterator[Result]:
    """Yield what is neither progress nor a skipped utterance, which are shown.

    Raises:
        click.exceptions.Exit: status 1 at the end, if utterances were skipped.
    """
    from audiosearch.evaluation.events import Progress, Skipped

    skipped = False
    with ProgressBar() as bar:
        for record in records:
            if isinstance(record, Progress):
                bar.show(record)
            elif isinstance(record, Skipped):
                click.echo(f"Error: {record.utterance.id}: {record.error}", err=True)
                skipped = True
            else:
                yield record
    if skipped:
        raise click.exceptions.Exit(1)


class ProgressBar:
    """Shows the stage that runs; hidden if standard error is no terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bar

        console = Console(stderr=True)
        self._bar = Bar(console=console, transient=True, redirect_stdout=False, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=None, visible=False)

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show(self, record: Progress) -> None:
        """Draw how far the stage is; the bar disappears when it is complete."""
        self._bar.update(
            self._task,
            description=record.stage,
            completed=record.done,
            total=record.total,
            visible=record.done < record.total,
        )
