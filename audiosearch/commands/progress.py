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
                click.echo(f"Error: {record.utterance.id}: {record.error}", err=True)
                skipped = True
            else:
                yield record
    if skipped:
        raise click.exceptions.Exit(1)
