"""A progress bar on standard error for records of evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audiosearch.evaluation.events import Progress


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
