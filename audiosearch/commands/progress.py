"""Progress and errors of tuning and calibration on standard error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

import click

from audiosearch.display import printable

if TYPE_CHECKING:
    from audiosearch.evaluation.events import Progress, Skipped

Result = TypeVar("Result")


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
