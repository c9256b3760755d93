"""A progress bar on standard error, shown only on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from audiosearch.console.durations import length
from audiosearch.display import printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import Progress, TaskID

Item = TypeVar("Item")

MAX_DESCRIPTION, MAX_NARROW_DESCRIPTION = 30, 24
"""Characters of a description, on a wide and on a narrow terminal."""

MIN_WIDTH = 110
"""Columns of a terminal with room for a bar."""


@dataclass(frozen=True)
class ProgressBar:
    """Handle of a progress bar."""

    _progress: Progress
    _task: TaskID

    def update(self, **fields: Any) -> None:
        """Set ``total``, ``completed``, ``description`` or ``visible``, or ``advance`` the bar."""
        self._progress.update(self._task, **fields)

    def print(self, line: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(printable(line), markup=False, soft_wrap=True)


@contextmanager
def progress_bar(
    description: str, total: float | None = None, poll: Callable[[], Mapping[str, Any]] | None = None
) -> Iterator[ProgressBar]:
    """Show a progress bar during a ``with`` block.

    Args:
        poll: returns fields of ``update`` and ``state``, a text; called whenever the bar is drawn. None: the text is
            "completed/total".
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
    from rich.text import Text

    class PolledProgress(Progress):
        def get_renderables(self) -> Iterable[RenderableType]:
            for task in self.tasks:  # none yet at the first call
                if poll is not None:
                    self.update(task.id, **poll())
            yield from super().get_renderables()

    class RemainingTime(ProgressColumn):
        def render(self, task: Task) -> Text:
            known = task.time_remaining is not None and not task.finished
            return Text(f"{length(task.time_remaining or 0)} to go" if known else "")

    console = Console(stderr=True, highlight=False, emoji=False)
    is_narrow = console.width < MIN_WIDTH
    progress = PolledProgress(
        SpinnerColumn(),
        TextColumn(f"{{task.description:.{MAX_NARROW_DESCRIPTION if is_narrow else MAX_DESCRIPTION}}}", markup=False),
        *([] if is_narrow else [BarColumn(bar_width=20)]),
        MofNCompleteColumn() if poll is None else TextColumn("{task.fields[state]}"),
        RemainingTime(),
        console=console,
        transient=True,
        redirect_stdout=False,  # otherwise results would go to standard error
        disable=not console.is_terminal,
    )
    task = progress.add_task(description, total=total, state="")
    with progress:
        yield ProgressBar(progress, task)


def track(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items and show a progress bar; ``total`` is needed if they have no length."""
    with progress_bar(description, len(items) if isinstance(items, Sequence) else total) as bar:
        for item in items:
            yield item
            bar.update(advance=1)
